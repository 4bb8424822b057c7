"""Lineage through several models, on executions made by hand: warm starts and reuse."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from tfxkit.runs.lineage import trace, tree, versions_from_span
from tfxkit.runs.metadata import Artifact, Execution, ExecutionGraph
from tfxkit.runs.outputs import Outputs


def step(
    number: int, name: str, inputs: dict[str, Artifact], outputs: dict[str, Artifact]
) -> Execution:
    read, written = ({key: [one] for key, one in ends.items()} for ends in (inputs, outputs))
    run = f"run-{number}"
    return Execution(number, name, (run,), "COMPLETE", number, number, {}, read, written)


def artifact(number: int, type_: str, **properties: object) -> Artifact:
    return Artifact(number, type_, "/nowhere", properties)


def examples(number: int, *spans: int, **properties: object) -> Artifact:
    return artifact(number, "Examples", spans=json.dumps(spans), **properties)


def pushed(number: int, version: str) -> Artifact:
    return artifact(number, "PushedModel", pushed=1, pushed_destination=f"/serving/{version}")


def graph_of(*executions: Execution) -> ExecutionGraph:
    artifacts = [one for each in executions for one in (*each.read(), *each.written())]
    return ExecutionGraph(executions, artifacts)


@pytest.fixture
def graph() -> ExecutionGraph:
    """Version 1 was trained on span 1; 2 on span 2, from the weights of 1; 3 on span 3, anew."""
    data = {span: examples(span, span) for span in (1, 2, 3)}
    models = {version: artifact(10 + version, "Model") for version in (1, 2, 3)}
    served = artifact(5, "Model", served_version="1")  # as Baseline gives it
    return graph_of(
        step(1, "ExampleGen", {}, {"examples": data[1]}),
        step(2, "Trainer", {"examples": data[1]}, {"model": models[1]}),
        step(3, "Pusher", {"model": models[1]}, {"pushed_model": pushed(21, "1")}),
        step(4, "ExampleGen", {}, {"examples": data[2]}),
        step(5, "Baseline", {}, {"model": served}),
        step(6, "Trainer", {"examples": data[2], "base_model": served}, {"model": models[2]}),
        step(7, "Pusher", {"model": models[2]}, {"pushed_model": pushed(22, "2")}),
        step(8, "ExampleGen", {}, {"examples": data[3]}),
        step(9, "Trainer", {"examples": data[3]}, {"model": models[3]}),
        step(10, "Pusher", {"model": models[3]}, {"pushed_model": pushed(23, "3")}),
        step(11, "Trainer", {"examples": data[3]}, {"model": models[3]}),  # reused
    )


def test_a_span_is_in_models_that_started_from_one_that_had_seen_it(graph, tmp_path):
    def asked(span: int) -> list[tuple[str, str | None]]:
        found = versions_from_span(graph, Outputs(tmp_path), span)
        return [(lineage.version, by) for lineage, by in found]

    assert asked(1) == [("1", None), ("2", "1")]
    assert asked(2) == [("2", None)]
    assert asked(3) == [("3", None)]


def test_the_first_execution_made_it_and_later_ones_took_it(graph, tmp_path):
    found = trace(graph, Outputs(tmp_path), "3")
    assert found.parts["model"].run == "run-9"
    assert found.state == "gone"
    assert trace(graph, Outputs(tmp_path), "2").started_from == "1"


@pytest.mark.parametrize(
    ("versions", "told"),
    [({}, "spans 3, 4"), ({"versions": "[null, 2]"}, "spans 3, 4 (version 2)")],
)
def test_a_span_is_shown_with_its_version(versions, told, tmp_path):
    data, model = examples(1, 3, 4, **versions), artifact(2, "Model")
    graph = graph_of(
        step(1, "ExampleGen", {}, {"examples": data}),
        step(2, "Trainer", {"examples": data}, {"model": model}),
        step(3, "Pusher", {"model": model}, {"pushed_model": pushed(3, "1")}),
    )
    console = Console(width=200)
    with console.capture() as capture:
        console.print(tree(trace(graph, Outputs(tmp_path), "1")))
    assert f"─ {told}\n" in capture.get().replace(" " * 2, "").replace(" \n", "\n")

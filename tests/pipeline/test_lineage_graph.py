"""Lineage through several models, on executions made by hand: warm starts and reuse."""

from __future__ import annotations

import json

import pytest

from pipeline.lineage import made, origin, spans, text
from pipeline.lineage.graph import Artifact, Execution, Graph
from pipeline.outputs import Outputs


def step(number: int, name: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Execution:
    return Execution(number, name, f"run-{number}", number * 1000, {}, inputs, outputs)


def examples(number: int, *seen: int) -> Artifact:
    return Artifact(number, "Examples", "", {"spans": json.dumps(seen)})


def pushed(number: int, version: str) -> Artifact:
    where = {"pushed": 1, "pushed_destination": f"/serving/{version}"}
    return Artifact(number, "PushedModel", "", where)


@pytest.fixture
def graph() -> Graph:
    """Version 1 was trained on span 1; 2 on span 2, from the weights of 1; 3 on span 3, anew."""
    artifacts = [
        examples(1, 1),
        Artifact(2, "Model", "", {}),
        pushed(3, "1"),
        examples(4, 2),
        Artifact(5, "Model", "", {"served_version": "1"}),  # as Baseline gives it
        Artifact(6, "Model", "", {}),
        pushed(7, "2"),
        examples(8, 3),
        Artifact(9, "Model", "", {}),
        pushed(10, "3"),
    ]
    executions = [
        step(1, "ExampleGen", (), (1,)),
        step(2, "Trainer", (1,), (2,)),
        step(3, "Pusher", (2,), (3,)),
        step(4, "ExampleGen", (), (4,)),
        step(5, "Baseline", (), (5,)),
        step(6, "Trainer", (4, 5), (6,)),
        step(7, "Pusher", (6,), (7,)),
        step(8, "ExampleGen", (), (8,)),
        step(9, "Trainer", (8,), (9,)),
        step(10, "Pusher", (9,), (10,)),
        step(11, "Trainer", (8,), (9,)),  # reused
    ]
    return Graph(artifacts, executions)


def test_a_span_is_in_models_that_started_from_one_that_had_seen_it(graph, tmp_path):
    def asked(span: int) -> list[tuple[str, str | None]]:
        found = spans.came_from(graph, Outputs(tmp_path), span)
        return [(one.version, by) for one, by in found]

    assert asked(1) == [("1", None), ("2", "1")]
    assert asked(2) == [("2", None)]
    assert asked(3) == [("3", None)]


def test_the_first_execution_made_it_and_later_ones_took_it(graph, tmp_path):
    found = origin.trace(graph, Outputs(tmp_path), "3")
    assert found.parts["model"].run == "run-9"
    assert found.state == "gone"
    assert origin.trace(graph, Outputs(tmp_path), "2").started_from == "1"


@pytest.mark.parametrize(
    ("versions", "told"),
    [({}, "spans 3, 4"), ({"versions": "[null, 2]"}, "spans 3, 4 (version 2)")],
)
def test_a_span_is_told_with_its_version(versions, told):
    properties = {"spans": "[3, 4]", **versions}
    part, facts = made.facts_of(Artifact(1, "Examples", "/nowhere", properties))
    assert part == "data"
    assert told in text._facts(part, made.made(step(1, "ExampleGen", (), (1,)), facts))

"""The graph of steps: no overlaps, and each step lies below those that it reads from."""

from __future__ import annotations

from itertools import combinations

from tfxkit.report.steps import BOX_HEIGHT, BOX_WIDTH, lay_out_graph
from tfxkit.runs.metadata import Artifact, Execution


def steps(**reads):
    """Steps by name with the names of those that they read from; each writes one output."""
    written = {name: Artifact(number, "", "", {}) for number, name in enumerate(reads)}
    return {
        name: Execution(
            id=number,
            step=name,
            runs=("1",),
            state="COMPLETE",
            started=0.0,
            ended=0.0,
            parameters={},
            inputs={"in": [written[source] for source in sources]},
            outputs={f"out of {name}": [written[name]]},
        )
        for number, (name, sources) in enumerate(reads.items())
    }


DAG = steps(
    examples=[], schema=[], statistics=["examples"], validator=["statistics", "schema"],
    baseline=["schema"], gate=["validator", "baseline", "schema"], transform=["examples", "schema"],
    trainer=["transform", "schema"], evaluator=["examples", "trainer", "baseline"],
    pusher=["evaluator", "trainer", "statistics"], alone=[],
)  # fmt: skip


def test_every_link_is_drawn_downwards():
    graph = lay_out_graph(DAG)
    top = {box.name: box.y for box in graph.boxes}
    assert top.keys() == DAG.keys()
    assert len(graph.edges) == sum(len(step.read()) for step in DAG.values())
    for edge in graph.edges:
        assert top[edge.source] < top[edge.target]
        assert edge.keys == (f"out of {edge.source}",)


def test_no_boxes_overlap_and_all_is_inside():
    graph = lay_out_graph(DAG)
    for one, other in combinations(graph.boxes, 2):
        apart_x = abs(one.x - other.x) >= BOX_WIDTH
        assert apart_x or abs(one.y - other.y) >= BOX_HEIGHT
    for box in graph.boxes:
        assert 0 <= box.x <= graph.width - BOX_WIDTH
        assert 0 <= box.y <= graph.height - BOX_HEIGHT


def test_a_run_that_did_not_begin_has_an_empty_graph():
    assert lay_out_graph({}).boxes == []


def test_what_an_earlier_run_wrote_has_no_line():
    graph = lay_out_graph({"trainer": DAG["trainer"]})
    assert [box.name for box in graph.boxes] == ["trainer"] and graph.edges == []

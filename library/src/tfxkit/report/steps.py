"""The steps of a run: a table of states, times, inputs and outputs, and their graph.

The graph has layers from top to bottom, by the method of Sugiyama, Tagawa and Toda (1981, "Methods
for visual understanding of hierarchical system structures"): a step lies below all that it reads
from, a line that crosses a layer has a place in it, and each layer is ordered by the means of its
neighbours.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import pairwise

from tfxkit.report.run import Run
from tfxkit.runs.metadata import Execution
from tfxkit.runs.summary import State

BOX_WIDTH, BOX_HEIGHT = 156, 34
_BEND_WIDTH = 22  # the room of a line that passes a layer
_GAP_X, _GAP_Y = 18, 38
_MARGIN = 8
_SWEEPS = 8

# A step, or the place of a line: from step, to step, number of the layer.
_Node = str | tuple[str, str, int]


@dataclasses.dataclass(frozen=True)
class GraphBox:
    """A step and its upper left corner."""

    name: str
    x: float
    y: float


@dataclasses.dataclass(frozen=True)
class GraphEdge:
    """Outputs that one step reads from another, and the path of the line.

    Without any output the target only waits for the source.
    """

    source: str
    target: str
    keys: tuple[str, ...]
    path: str


@dataclasses.dataclass(frozen=True)
class StepGraph:
    """Layout of the graph, in pixels."""

    boxes: list[GraphBox]
    edges: list[GraphEdge]
    width: float
    height: float


@dataclasses.dataclass(frozen=True)
class StepInput:
    """An input: its name, and the step of this run that wrote it."""

    key: str
    source: str | None


@dataclasses.dataclass(frozen=True)
class StepOutput:
    """An output: its name, and its folder relative to the pipeline's outputs."""

    key: str
    path: str


@dataclasses.dataclass(frozen=True)
class StepRow:
    """A step."""

    name: str
    state: State
    started: str
    seconds: float
    share: float
    inputs: tuple[StepInput, ...]
    outputs: tuple[StepOutput, ...]


@dataclasses.dataclass(frozen=True)
class StepsSection:
    """Section `steps` of the page."""

    rows: list[StepRow]
    graph: StepGraph | None
    states: dict[str, State]
    seconds: float


def build_steps(run: Run) -> StepsSection:
    """Builds the section."""
    zone = datetime.fromisoformat(run.summary.started).tzinfo
    writer = {artifact.id: name for name, step in run.steps.items() for artifact in step.written()}
    longest = max((step.seconds for step in run.summary.steps), default=0.0) or 1.0
    rows = []
    for step in run.summary.steps:
        record = run.steps.get(step.name)
        began = step.state in (State.RUN, State.FAILED, State.INTERRUPTED) and record is not None
        rows.append(
            StepRow(
                name=step.name,
                state=step.state,
                started=f"{datetime.fromtimestamp(record.started, zone):%H:%M:%S}"
                if began and record
                else "",
                seconds=step.seconds,
                share=step.seconds / longest,
                inputs=_inputs(record, writer) if record else (),
                outputs=_outputs(run, record) if record else (),
            )
        )
    after = {step.name: step.after for step in run.summary.steps}
    graph = lay_out_graph(run.steps, after) if run.steps else None
    states = dict.fromkeys(run.steps, State.SKIPPED) | {row.name: row.state for row in rows}
    return StepsSection(rows, graph, states, run.summary.seconds)


def lay_out_graph(
    steps: Mapping[str, Execution], after: Mapping[str, Collection[str]] | None = None
) -> StepGraph:
    """Lays out the graph of steps.

    Args:
        steps: The executions in ML Metadata, by step.
        after: The steps that each waits for in the DAG.
    """
    links = _links(steps)
    for name, waits_for in (after or {}).items():
        for source in waits_for:
            if name in steps and source in steps:
                links.setdefault((source, name), ())
    layer = _layers(list(steps), links)
    routes = {pair: _route(*pair, layer) for pair in links}
    rows = _ordered(layer, routes)
    centres = _centres(rows)
    width = max((x + _width(node) / 2 for node, (x, _) in centres.items()), default=0.0) + _MARGIN
    height = len(rows) * (BOX_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN
    boxes = [
        GraphBox(name, x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
        for name, (x, y) in centres.items()
        if isinstance(name, str)
    ]
    edges = [
        GraphEdge(source, target, keys, _path([centres[node] for node in routes[source, target]]))
        for (source, target), keys in links.items()
    ]
    return StepGraph(boxes, edges, width, height)


def _inputs(execution: Execution, writer: Mapping[int, str]) -> tuple[StepInput, ...]:
    return tuple(
        StepInput(key, writer.get(artifact.id))
        for key, artifacts in execution.inputs.items()
        for artifact in artifacts
    )


def _outputs(run: Run, execution: Execution) -> tuple[StepOutput, ...]:
    return tuple(
        StepOutput(key, os.path.relpath(artifact.uri, run.outputs.root))
        for key, artifacts in execution.outputs.items()
        for artifact in artifacts
    )


def _links(steps: Mapping[str, Execution]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Names of the outputs between two steps, by writer and reader."""
    writer = {
        artifact.id: (name, key)
        for name, step in steps.items()
        for key, artifacts in step.outputs.items()
        for artifact in artifacts
    }
    links: dict[tuple[str, str], set[str]] = {}
    for name, step in steps.items():
        for artifact in step.read():
            if artifact.id in writer and writer[artifact.id][0] != name:
                source, key = writer[artifact.id]
                links.setdefault((source, name), set()).add(key)
    return {pair: tuple(sorted(keys)) for pair, keys in links.items()}


def _layers(names: list[str], links: Mapping[tuple[str, str], object]) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    for _ in names:  # the longest path has at most one edge a step
        for source, target in links:
            layer[target] = max(layer[target], layer[source] + 1)
    return layer


def _route(source: str, target: str, layer: Mapping[str, int]) -> list[_Node]:
    between = range(layer[source] + 1, layer[target])
    return [source, *((source, target, number) for number in between), target]


def _ordered(
    layer: Mapping[str, int], routes: Mapping[tuple[str, str], list[_Node]]
) -> list[list[_Node]]:
    rows: list[list[_Node]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name, number in layer.items():
        rows[number].append(name)
    neighbours: dict[_Node, list[_Node]] = {}
    for pair, route in routes.items():
        for number, node in enumerate(route[1:-1], layer[pair[0]] + 1):
            rows[number].append(node)
        for above, below in pairwise(route):
            neighbours.setdefault(above, []).append(below)
            neighbours.setdefault(below, []).append(above)
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            centres = _centres(rows)

            def mean(node: _Node, at: Mapping[_Node, tuple[float, float]] = centres) -> float:
                near = [at[other][0] for other in neighbours.get(node, [])]
                return sum(near) / len(near) if near else at[node][0]

            row.sort(key=mean)
    return rows


def _centres(rows: list[list[_Node]]) -> dict[_Node, tuple[float, float]]:
    """Centre of each node; the rows are centred."""
    widths = [sum(_width(node) + _GAP_X for node in row) - _GAP_X for row in rows]
    widest = max(widths, default=0)
    centres: dict[_Node, tuple[float, float]] = {}
    for number, (row, width) in enumerate(zip(rows, widths, strict=True)):
        x = _MARGIN + (widest - width) / 2
        y = _MARGIN + BOX_HEIGHT / 2 + number * (BOX_HEIGHT + _GAP_Y)
        for node in row:
            centres[node] = (x + _width(node) / 2, y)
            x += _width(node) + _GAP_X
    return centres


def _width(node: _Node) -> int:
    return BOX_WIDTH if isinstance(node, str) else _BEND_WIDTH


def _path(points: list[tuple[float, float]]) -> str:
    """SVG path from below the first box to above the last, with vertical ends."""
    (x, y), half = points[0], BOX_HEIGHT / 2
    parts = [f"M{x:.1f},{y + half:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        start, end = y1 + half, y2 - half
        middle = (start + end) / 2
        parts.append(
            f"L{x1:.1f},{start:.1f}C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{end:.1f}"
        )
    return "".join(parts)

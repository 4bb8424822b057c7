"""The steps of a run as a graph: who read what from whom, and who waited for whom.

Layers from top to bottom, as Sugiyama, Tagawa and Toda do it (1981, "Methods for visual
understanding of hierarchical system structures"): a step lies below all that it reads from, a line
that crosses a layer has a place in it, and each layer is ordered by the means of its neighbours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from itertools import pairwise

from tfxkit.runs.metadata import Execution

BOX_WIDTH, BOX_HEIGHT = 156, 34
_BEND_WIDTH = 22  # the room of a line that passes a layer
_GAP_X, _GAP_Y = 18, 38
_MARGIN = 8
_SWEEPS = 8

# A step, or the place of a line: from step, to step, number of the layer.
Node = str | tuple[str, str, int]


@dataclasses.dataclass(frozen=True)
class Box:
    """A step and its upper left corner."""

    name: str
    x: float
    y: float


@dataclasses.dataclass(frozen=True)
class Edge:
    """From step to step: which outputs, and the path of the line.

    Without any output the target only waits for the source.
    """

    source: str
    target: str
    keys: tuple[str, ...]
    path: str


@dataclasses.dataclass(frozen=True)
class Graph:
    """What is drawn, in pixels."""

    boxes: list[Box]
    edges: list[Edge]
    width: float
    height: float


def draw(
    steps: Mapping[str, Execution], after: Mapping[str, Collection[str]] | None = None
) -> Graph:
    """Lays the graph out.

    Args:
        steps: The steps that have begun, as ML Metadata has them.
        after: The steps that each waits for, as the DAG has them.
    """
    links = links_between(steps)
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
        Box(name, x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2)
        for name, (x, y) in centres.items()
        if isinstance(name, str)
    ]
    edges = [
        Edge(source, target, keys, _path([centres[node] for node in routes[source, target]]))
        for (source, target), keys in links.items()
    ]
    return Graph(boxes, edges, width, height)


def links_between(steps: Mapping[str, Execution]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Names of the outputs that one step reads from another, by writer and reader."""
    writer = {
        artifact.id: (name, key)
        for name, step in steps.items()
        for key, artifacts in step.outputs.items()
        for artifact in artifacts
    }
    found: dict[tuple[str, str], set[str]] = {}
    for name, step in steps.items():
        for artifact in step.read():
            if artifact.id in writer and writer[artifact.id][0] != name:
                source, key = writer[artifact.id]
                found.setdefault((source, name), set()).add(key)
    return {pair: tuple(sorted(keys)) for pair, keys in found.items()}


def _layers(names: list[str], links: Mapping[tuple[str, str], object]) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    for _ in names:  # as many times as the longest way may be long
        for source, target in links:
            layer[target] = max(layer[target], layer[source] + 1)
    return layer


def _route(source: str, target: str, layer: Mapping[str, int]) -> list[Node]:
    between = range(layer[source] + 1, layer[target])
    return [source, *((source, target, number) for number in between), target]


def _ordered(
    layer: Mapping[str, int], routes: Mapping[tuple[str, str], list[Node]]
) -> list[list[Node]]:
    rows: list[list[Node]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name, number in layer.items():
        rows[number].append(name)
    neighbours: dict[Node, list[Node]] = {}
    for pair, route in routes.items():
        for number, node in enumerate(route[1:-1], layer[pair[0]] + 1):
            rows[number].append(node)
        for above, below in pairwise(route):
            neighbours.setdefault(above, []).append(below)
            neighbours.setdefault(below, []).append(above)
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            centres = _centres(rows)

            def mean(node: Node, at: Mapping[Node, tuple[float, float]] = centres) -> float:
                near = [at[other][0] for other in neighbours.get(node, [])]
                return sum(near) / len(near) if near else at[node][0]

            row.sort(key=mean)
    return rows


def _centres(rows: list[list[Node]]) -> dict[Node, tuple[float, float]]:
    """The middle of each node; the rows are centred."""
    widths = [sum(_width(node) + _GAP_X for node in row) - _GAP_X for row in rows]
    widest = max(widths, default=0)
    centres: dict[Node, tuple[float, float]] = {}
    for number, (row, width) in enumerate(zip(rows, widths, strict=True)):
        x = _MARGIN + (widest - width) / 2
        y = _MARGIN + BOX_HEIGHT / 2 + number * (BOX_HEIGHT + _GAP_Y)
        for node in row:
            centres[node] = (x + _width(node) / 2, y)
            x += _width(node) + _GAP_X
    return centres


def _width(node: Node) -> int:
    return BOX_WIDTH if isinstance(node, str) else _BEND_WIDTH


def _path(points: list[tuple[float, float]]) -> str:
    """From below the first box to above the last, in curves that leave and arrive upright."""
    (x, y), half = points[0], BOX_HEIGHT / 2
    parts = [f"M{x:.1f},{y + half:.1f}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        start, end = y1 + half, y2 - half
        middle = (start + end) / 2
        parts.append(
            f"L{x1:.1f},{start:.1f}C{x1:.1f},{middle:.1f} {x2:.1f},{middle:.1f} {x2:.1f},{end:.1f}"
        )
    return "".join(parts)

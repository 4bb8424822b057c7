"""Which pushed versions came from a span of the data."""

from __future__ import annotations

from pipeline.lineage.graph import Graph
from pipeline.lineage.origin import Origin, pushed, trace
from pipeline.outputs import Outputs
from tfxkit.errors import UsageError


def came_from(graph: Graph, outputs: Outputs, span: int) -> list[tuple[Origin, str | None]]:
    """The versions that have seen a span, oldest first.

    Returns:
        Each with None if it was trained on the span, or with the version that it started from, if
        that one was: its weights have seen the span as well.

    Raises:
        UsageError: If no pushed version has seen it.
    """
    origins = [trace(graph, outputs, version) for version in pushed(graph)]
    found: dict[str, tuple[Origin, str | None]] = {}
    for origin in sorted(origins, key=lambda one: one.pushes[0].execution):
        if span in origin.spans:
            found[origin.version] = origin, None
        elif origin.started_from in found:
            found[origin.version] = origin, origin.started_from
    if not found:
        seen = sorted({one for origin in origins for one in origin.spans})
        known = f"They came from: {', '.join(map(str, seen))}." if seen else "None is pushed yet."
        if origins and not seen:
            known = f"{outputs.metadata} does not know what those that are served came from."
        raise UsageError(f"No pushed model is known to come from span {span}. {known}")
    return list(found.values())

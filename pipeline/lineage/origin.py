"""Where a pushed version came from: data, schema, transform, code, configuration, run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from typing import Any

import pydantic

from pipeline import summary as summaries
from pipeline.lineage.graph import Artifact, Execution, Graph
from pipeline.lineage.made import Made, facts_of, made
from pipeline.outputs import Outputs
from pipeline.summary import Summary
from tfxkit.errors import UsageError
from tfxkit.storage import served_model


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a version came from.

    Attributes:
        version: Its name.
        path: The folder that it was pushed to.
        state: `served`, `kept` (a newer one is served), or `gone` (the folder is not there).
        pushes: Each time that it was pushed, found to be served already, or put in place again.
        parts: By `data`, `schema`, `transform` and `model`; those that are known.
        commit: The git commit of the code of the run that trained it, if there is one.
        config: The run that trained it, and a hash of its configuration.
    """

    version: str
    path: str
    state: str
    pushes: tuple[Made, ...]
    parts: dict[str, Made]
    commit: str | None
    config: dict[str, Any]

    @property
    def spans(self) -> list[int]:
        """The spans of the data that it was trained on."""
        return self.parts["data"].facts["spans"] if "data" in self.parts else []

    @property
    def started_from(self) -> str | None:
        """The version whose weights its training started from."""
        return self.parts["model"].facts["started_from"] if "model" in self.parts else None


def pushed(graph: Graph) -> dict[str, list[Artifact]]:
    """The `PushedModel` artifacts of each version, oldest first; versions too.

    One that no execution made stands for a version whose past is not known, and which was served
    again all the same (`pipeline/restoring/record.py`).
    """
    found: dict[str, list[Artifact]] = {}
    for artifact in graph.of_type("PushedModel"):
        if artifact.properties.get("pushed") and graph.writer(artifact.id):
            path = str(artifact.properties.get("pushed_destination", ""))
            found.setdefault(os.path.basename(path.rstrip("/")), []).append(artifact)
    return found


def trace(graph: Graph, outputs: Outputs, version: str | None) -> Origin:
    """Follows a version back to the data.

    Args:
        graph: All executions and artifacts.
        outputs: Where runs and versions are.
        version: Its name; the served one if None.

    Raises:
        UsageError: If nothing is served, or ML Metadata knows of no such version.
    """
    versions = pushed(graph)
    served = served_model.newest_version(str(outputs.serving))
    if version is None and served is None:
        raise UsageError(f"Nothing is served from {outputs.serving} yet: python -m pipeline run")
    name = version or os.path.basename(str(served))
    if name not in versions:
        raise UsageError(_unknown(name, outputs, list(versions)))
    first = versions[name][0]
    path = str(first.properties["pushed_destination"])
    state = "served" if served and os.path.basename(served) == name else "kept"
    parts = _parts(graph, first)
    trained = _summary(outputs, parts["model"].run) if "model" in parts else None
    return Origin(
        version=name,
        path=path,
        state=state if served_model.is_complete(path) else "gone",
        pushes=tuple(_pushes(graph, versions[name])),
        parts=parts,
        commit=trained.commit if trained else None,
        config={"run": trained.run_id, "sha256": _digest(trained.config)} if trained else {},
    )


def _parts(graph: Graph, model: Artifact) -> dict[str, Made]:
    """What the version came from, each the nearest of its kind."""
    parts: dict[str, Made] = {}
    for artifact in graph.ancestors(model.id):
        kind, facts = facts_of(artifact)
        writer = graph.writer(artifact.id)
        if kind is None or kind in parts or writer is None:
            continue
        if kind == "model":
            facts["started_from"] = _started_from(graph, writer)
        parts[kind] = made(writer, facts)
    return parts


def _started_from(graph: Graph, trainer: Execution) -> str | None:
    for number in trainer.inputs:
        if number in graph.artifacts and (
            version := graph.artifacts[number].properties.get("served_version")
        ):
            return str(version)
    return None


def _pushes(graph: Graph, artifacts: list[Artifact]) -> list[Made]:
    """Also a step that hands on an artifact that another one made, such as a roll-back."""
    numbers = {artifact.id: artifact for artifact in artifacts}
    return [
        made(execution, {"adopted": bool(numbers[number].properties.get("adopted"))})
        for execution in sorted(graph.executions.values(), key=lambda one: one.id)
        for number in execution.outputs
        if number in numbers
    ]


def _digest(config: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _summary(outputs: Outputs, run: str) -> Summary | None:
    try:
        return summaries.read(outputs.runs / run)
    except (OSError, pydantic.ValidationError):
        return None


def _unknown(name: str, outputs: Outputs, known: list[str]) -> str:
    there = f"It knows: {', '.join(known[-5:])}." if known else "It knows of no pushed model."
    lines = [f"{outputs.metadata} does not know where the version {name!r} came from. {there}"]
    if name in map(str, served_model.complete_versions(str(outputs.serving))):
        lines.append(
            f"The version itself carries its schema, configuration, statistics and training: "
            f"{outputs.serving / name / served_model.EXTRA}"
        )
    return "\n".join(lines)

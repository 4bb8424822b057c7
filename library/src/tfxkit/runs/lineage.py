"""Lineage of pushed versions: the data, schema, code and run that a version came from, and back.

`trace` follows a version back through ML Metadata to its data; `versions_from_span` goes from a
span of the data to all versions that have seen it. `tree` and `table` render them for a person.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pydantic
from rich.table import Table
from rich.text import Text
from rich.tree import Tree
from tfx.utils import path_utils

from tfxkit.errors import UsageError
from tfxkit.runs import summary as summaries
from tfxkit.runs.metadata import Artifact, Execution, ExecutionGraph
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Summary
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import (
    FINGERPRINT_PROPERTY,
    READER_PROPERTY,
    SPANS_PROPERTY,
    VERSIONS_PROPERTY,
    rows_by_split,
)

_CODE_HASH = re.compile(r'\\?"code_hash\\?":\s*\\?"([0-9a-f]+)')
_PARTS = ("model", "transform", "schema", "data")  # from the version back
_SHORT = 12  # digits of a hash on the screen: enough to tell two apart
_STATE_STYLES = {"served": "green", "kept": "", "gone": "red"}


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Origin of one thing that a version was made from.

    Attributes:
        step: The step that made it.
        execution: The number of the execution in ML Metadata.
        run: The run that the execution was part of.
        at: When the execution ended, local time in ISO 8601.
        code: The hash of the project's code that the step ran; None if it has none.
        facts: What is known of the thing, by name.
    """

    step: str
    execution: int
    run: str
    at: str
    code: str | None
    facts: dict[str, Any]

    @classmethod
    def of(cls, execution: Execution, facts: dict[str, Any]) -> Provenance:
        """The provenance of what an execution made."""
        ended = datetime.fromtimestamp(execution.ended).astimezone()
        return cls(
            step=execution.step,
            execution=execution.id,
            run=execution.run,
            at=ended.isoformat(timespec="seconds"),
            code=code_hash_of(execution.parameters),
            facts=facts,
        )


@dataclasses.dataclass(frozen=True)
class Lineage:
    """Lineage of one pushed version.

    Attributes:
        version: Its name.
        path: The folder that it was pushed to.
        state: `served`, `kept` (a newer one is served), or `gone` (the folder does not exist).
        pushes: Each time that it was pushed, found to be served already, or served again.
        parts: By `data`, `schema`, `transform` and `model`; those that are known.
        commit: The git commit of the code of the run that trained it, if there is one.
        config: The run that trained it, and a hash of its configuration.
    """

    version: str
    path: str
    state: str
    pushes: tuple[Provenance, ...]
    parts: dict[str, Provenance]
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


def trace(graph: ExecutionGraph, outputs: Outputs, version: str | None) -> Lineage:
    """Follows a version back to its data.

    Args:
        graph: All executions and artifacts.
        outputs: Where runs and versions are.
        version: Its name; the served one if None.

    Raises:
        UsageError: If nothing is served, or ML Metadata has no such version.
    """
    versions = _pushed_models(graph)
    served = served_model.newest_version(str(outputs.serving))
    if version is None and served is None:
        raise UsageError(f"Nothing is served from {outputs.serving} yet: {outputs.command('run')}")
    name = version or os.path.basename(str(served))
    if name not in versions:
        raise UsageError(_unknown_version(name, outputs, list(versions)))
    pushed_model = versions[name][0]
    path = str(pushed_model.properties[served_model.PUSHED_DESTINATION])
    state = "served" if served and os.path.basename(served) == name else "kept"
    parts = _parts(graph, pushed_model)
    summary = _summary(outputs, parts["model"].run) if "model" in parts else None
    return Lineage(
        version=name,
        path=path,
        state=state if served_model.is_complete(path) else "gone",
        pushes=tuple(_pushes(graph, versions[name])),
        parts=parts,
        commit=summary.commit if summary else None,
        config={"run": summary.run_id, "sha256": _digest(summary.config)} if summary else {},
    )


def versions_from_span(
    graph: ExecutionGraph, outputs: Outputs, span: int
) -> list[tuple[Lineage, str | None]]:
    """The versions that have seen a span, oldest first.

    Returns:
        Each with None if it was trained on the span. Otherwise with the version that its training
        started from, whose weights have seen the span.

    Raises:
        UsageError: If no pushed version has seen it.
    """
    lineages = [trace(graph, outputs, version) for version in _pushed_models(graph)]
    found: dict[str, tuple[Lineage, str | None]] = {}
    for lineage in sorted(lineages, key=lambda each: each.pushes[0].execution):
        if span in lineage.spans:
            found[lineage.version] = lineage, None
        elif lineage.started_from in found:
            found[lineage.version] = lineage, lineage.started_from
    if not found:
        seen = sorted({number for lineage in lineages for number in lineage.spans})
        known = f"They came from: {', '.join(map(str, seen))}." if seen else "None is pushed yet."
        if lineages and not seen:
            known = f"{outputs.metadata} has no data for any served version."
        raise UsageError(f"No pushed model is known to come from span {span}. {known}")
    return list(found.values())


def code_hash_of(parameters: Mapping[str, Any]) -> str | None:
    """The hash of the project's code that an execution ran, from its parameters."""
    if own := parameters.get("code_hash"):
        return str(own)
    texts = [value for value in parameters.values() if isinstance(value, str)]
    return next((found[1] for text in texts if (found := _CODE_HASH.search(text))), None)


def _pushed_models(graph: ExecutionGraph) -> dict[str, list[Artifact]]:
    """The `PushedModel` artifacts of each version, oldest first; versions too.

    An artifact that no execution made stands for a version of unknown past that was served again
    (`tfxkit/runs/rollback.py`).
    """
    found: dict[str, list[Artifact]] = {}
    for artifact in graph.of_type("PushedModel"):
        if artifact.properties.get(served_model.PUSHED) and graph.maker(artifact):
            path = str(artifact.properties.get(served_model.PUSHED_DESTINATION, ""))
            found.setdefault(os.path.basename(path.rstrip("/")), []).append(artifact)
    return found


def _parts(graph: ExecutionGraph, pushed_model: Artifact) -> dict[str, Provenance]:
    """The nearest ancestor of each kind."""
    parts: dict[str, Provenance] = {}
    for artifact in graph.ancestors(pushed_model):
        kind, facts = _facts_of(artifact)
        maker = graph.maker(artifact)
        if kind is None or kind in parts or maker is None:
            continue
        if kind == "model":
            facts["started_from"] = maker.started_from
        parts[kind] = Provenance.of(maker, facts)
    return {kind: parts[kind] for kind in _PARTS if kind in parts}


def _facts_of(artifact: Artifact) -> tuple[str | None, dict[str, Any]]:
    """The part of a lineage that an artifact is, and what is known of it."""
    properties, uri = artifact.properties, artifact.uri
    match artifact.type:
        case "Examples" if SPANS_PROPERTY in properties:  # not Transform's
            return "data", {
                "spans": json.loads(properties[SPANS_PROPERTY]),
                "versions": json.loads(properties.get(VERSIONS_PROPERTY) or "null"),
                "reader": properties.get(READER_PROPERTY),
                "fingerprint": properties.get(FINGERPRINT_PROPERTY),
                "rows": rows_by_split(uri),
                "uri": uri,
            }
        case "Schema":
            return "schema", {"sha256": _hash_of_file(Path(uri, "schema.pbtxt")), "uri": uri}
        case "TransformGraph":
            return "transform", {"uri": uri}
        case "Model" if served_model.SERVED_VERSION not in properties and not artifact.is_absent:
            folder = path_utils.serving_model_dir(uri)
            known = os.path.exists(os.path.join(folder, served_model.FINGERPRINT))
            fingerprint = served_model.fingerprint(folder) if known else None
            return "model", {"fingerprint": fingerprint, "uri": uri}
    return None, {}


def _pushes(graph: ExecutionGraph, pushed_models: Sequence[Artifact]) -> list[Provenance]:
    """Also executions that hand on an artifact made by another one, such as a rollback."""
    numbers = {artifact.id for artifact in pushed_models}
    return [
        Provenance.of(execution, {"adopted": bool(artifact.properties.get(served_model.ADOPTED))})
        for execution in graph.executions
        if execution.succeeded
        for artifact in execution.written()
        if artifact.id in numbers
    ]


def _hash_of_file(file: Path) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else None


def _digest(config: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _summary(outputs: Outputs, run: str) -> Summary | None:
    try:
        return summaries.read(outputs.runs / run)
    except (OSError, pydantic.ValidationError):
        return None


def _unknown_version(name: str, outputs: Outputs, known: list[str]) -> str:
    there = f"It has: {', '.join(known[-5:])}." if known else "It has no pushed model."
    lines = [f"{outputs.metadata} has no version {name!r}. {there}"]
    if name in map(str, served_model.complete_versions(str(outputs.serving))):
        lines.append(
            f"The version itself carries its schema, configuration, statistics and training: "
            f"{outputs.serving / name / served_model.EXTRA}"
        )
    return "\n".join(lines)


def tree(lineage: Lineage) -> Tree:
    """The lineage of one version, for the terminal."""
    head = Text(f"version {lineage.version} ", "bold")
    head.append(f"({lineage.state})", _STATE_STYLES[lineage.state]).append(f" {lineage.path}")
    root = Tree(head)
    for push in lineage.pushes:
        root.add(Text(f"{_kind_of_push(push)} by {_place(push)}"))
    for name, part in lineage.parts.items():
        branch = root.add(Text(f"{name}: ", "bold").append(_place(part), "not bold"))
        for fact in _fact_lines(name, part.facts):
            branch.add(Text(fact, overflow="fold"))
    code = root.add(Text("code", "bold"))
    code.add(Text(f"git commit {lineage.commit or 'not known'}"))
    hashes = {part.step: part.code for part in lineage.parts.values() if part.code}
    code.add(Text(", ".join(f"{step} {value}" for step, value in hashes.items())))
    if lineage.config:
        text = f": sha256 {lineage.config['sha256'][:_SHORT]}, in run {lineage.config['run']}"
        root.add(Text("configuration", "bold").append(text, "not bold"))
    return root


def table(versions: Sequence[tuple[Lineage, str | None]]) -> Table:
    """Versions that have seen a span, from `versions_from_span`, for the terminal."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("version", "state", "trained on spans", "trained in run", "how"):
        rows.add_column(heading, no_wrap=heading != "how")
    for lineage, started_from in versions:
        rows.add_row(
            lineage.version,
            Text(lineage.state, _STATE_STYLES[lineage.state]),
            ", ".join(map(str, lineage.spans)) or "–",
            lineage.parts["model"].run if "model" in lineage.parts else "–",
            f"started from {started_from}" if started_from else "trained on it",
        )
    return rows


def _kind_of_push(push: Provenance) -> str:
    if not push.run:  # only a rollback is part of no run
        return "served again"
    return "found to be served already" if push.facts["adopted"] else "pushed"


def _place(provenance: Provenance) -> str:
    run = f" in run {provenance.run}" if provenance.run else ""
    return f"{provenance.step}{run}, {provenance.at} (execution {provenance.execution})"


def _fact_lines(part: str, facts: Mapping[str, Any]) -> list[str]:
    lines = []
    if part == "data":
        reader = f", read by {facts['reader']}" if facts["reader"] else ""
        lines.append(f"spans {_spans_with_versions(facts)}{reader}")
        if rows := facts["rows"]:
            splits = ", ".join(f"{split} {count:,}" for split, count in sorted(rows.items()))
            lines.append(f"{sum(rows.values()):,} rows: {splits}")
        lines.append(f"fingerprint {facts['fingerprint']}")
    if part == "schema" and facts["sha256"]:
        lines.append(f"sha256 {facts['sha256'][:_SHORT]}")
    if part == "model":
        if facts["fingerprint"]:
            lines.append(f"fingerprint {facts['fingerprint'][:_SHORT]}")
        if facts["started_from"]:
            lines.append(f"started from version {facts['started_from']}")
    return [*lines, facts["uri"]]


def _spans_with_versions(facts: Mapping[str, Any]) -> str:
    versions = facts["versions"] or [None] * len(facts["spans"])
    return ", ".join(
        str(span) if version is None else f"{span} (version {version})"
        for span, version in zip(facts["spans"], versions, strict=True)
    )

"""Lineage of pushed versions: data, schema, code and run of a version, and versions from a span.

`trace` follows a version back through ML Metadata to its data; `versions_from_span` finds all
versions that were trained on a span of the data, or started from one that was. `tree` and `table`
render them for the terminal.
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
_SHORT = 12  # digits of a hash on the screen, enough to distinguish two
_STATE_STYLES = {"served": "green", "kept": "", "gone": "red"}


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Provenance of an artifact that a version was made from.

    Attributes:
        step: The step that wrote it.
        execution: The id of the execution in ML Metadata.
        run: The run that the execution was part of.
        at: End of the execution, local time in ISO 8601.
        code: The hash of the project's code that the step ran; None if it has none.
        facts: Properties of the artifact, by name.
    """

    step: str
    execution: int
    run: str
    at: str
    code: str | None
    facts: dict[str, Any]

    @classmethod
    def of(cls, execution: Execution, facts: dict[str, Any]) -> Provenance:
        """The provenance of an output of an execution."""
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
        pushes: Its pushes: first, again while it was served already, and by a rollback.
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
        outputs: Of the pipeline, with its runs and versions.
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
    """The versions that were trained on a span, directly or not, oldest first.

    Returns:
        Each version with None if it was trained on the span, else with the version that its
        training started from, whose weights were trained on the span.

    Raises:
        UsageError: If there is none.
    """
    lineages = [trace(graph, outputs, version) for version in _pushed_models(graph)]
    versions: dict[str, tuple[Lineage, str | None]] = {}
    for lineage in sorted(lineages, key=lambda each: each.pushes[0].execution):
        if span in lineage.spans:
            versions[lineage.version] = lineage, None
        elif lineage.started_from in versions:
            versions[lineage.version] = lineage, lineage.started_from
    if not versions:
        seen = sorted({number for lineage in lineages for number in lineage.spans})
        known = f"They came from: {', '.join(map(str, seen))}." if seen else "None is pushed yet."
        if lineages and not seen:
            known = f"{outputs.metadata} has no data for any served version."
        raise UsageError(f"No pushed model is known to come from span {span}. {known}")
    return list(versions.values())


def code_hash_of(parameters: Mapping[str, Any]) -> str | None:
    """The hash of the project's code that an execution ran, from its parameters."""
    if own := parameters.get("code_hash"):
        return str(own)
    texts = [value for value in parameters.values() if isinstance(value, str)]
    return next((match[1] for text in texts if (match := _CODE_HASH.search(text))), None)


def _pushed_models(graph: ExecutionGraph) -> dict[str, list[Artifact]]:
    """The `PushedModel` artifacts of each version, oldest first; versions too.

    An artifact that no execution wrote stands for a version of unknown origin that was served again
    (`tfxkit/runs/rollback.py`).
    """
    versions: dict[str, list[Artifact]] = {}
    for artifact in graph.of_type("PushedModel"):
        if artifact.properties.get(served_model.PUSHED) and graph.maker(artifact):
            path = str(artifact.properties.get(served_model.PUSHED_DESTINATION, ""))
            versions.setdefault(os.path.basename(path.rstrip("/")), []).append(artifact)
    return versions


def _parts(graph: ExecutionGraph, pushed_model: Artifact) -> dict[str, Provenance]:
    """The nearest ancestor for each part of a lineage."""
    parts: dict[str, Provenance] = {}
    for artifact in graph.ancestors(pushed_model):
        part, facts = _facts_of(artifact)
        maker = graph.maker(artifact)
        if part is None or part in parts or maker is None:
            continue
        if part == "model":
            facts["started_from"] = maker.started_from
        parts[part] = Provenance.of(maker, facts)
    return {part: parts[part] for part in _PARTS if part in parts}


def _facts_of(artifact: Artifact) -> tuple[str | None, dict[str, Any]]:
    """The part of a lineage that an artifact is, and its properties."""
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
    """The pushes of a version, with executions that pass on its artifact, such as a rollback."""
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
    versions = f"It has: {', '.join(known[-5:])}." if known else "It has no pushed model."
    lines = [f"{outputs.metadata} has no version {name!r}. {versions}"]
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
    """The versions from `versions_from_span`, for the terminal."""
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

"""Questions to ML Metadata about a finished run: states of steps and the artifacts they left."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.metadata_store import open_store

GOOD_STATES = ("COMPLETE", "CACHED")


@dataclasses.dataclass(frozen=True)
class OutputArtifact:
    """An artifact as a run left it.

    Attributes:
        uri: Its folder.
        properties: Its properties, custom ones included.
    """

    uri: str
    properties: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class ArtifactLink:
    """An artifact that a step read or wrote.

    Attributes:
        key: The name of the input or output.
        id: Its number in the metadata file, the same in all runs.
        uri: Its folder.
    """

    key: str
    id: int
    uri: str


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """What the metadata file knows of a step in a run.

    Attributes:
        state: COMPLETE, CACHED, FAILED and so on.
        started: When it began, in seconds since 1970.
        inputs: What it read.
        outputs: What it wrote, or would have written again.
        parameters: What it was given besides artifacts.
    """

    state: str
    started: float
    inputs: tuple[ArtifactLink, ...]
    outputs: tuple[ArtifactLink, ...]
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class RunMetadata:
    """One run of one pipeline in a metadata file."""

    def __init__(self, metadata_file: Path, run_id: str) -> None:
        """Names the run; the file is opened when something is asked.

        Args:
            metadata_file: The SQLite file of ML Metadata.
            run_id: TFX's pipeline run id.
        """
        self._file, self._run_id = metadata_file, run_id

    def states(self) -> dict[str, str]:
        """The state of each step's newest execution: COMPLETE, CACHED, FAILED and so on."""
        return {
            node: pb.Execution.State.Name(execution.last_known_state)
            for node, execution in self._executions().items()
        }

    def outputs(self) -> dict[str, dict[str, OutputArtifact]]:
        """The output artifacts of each step, by key; the first one where there are several."""
        found: dict[str, dict[str, OutputArtifact]] = {}
        if not (executions := self._executions()):
            return {}
        store = _open(self._file)
        for node, execution in executions.items():
            events = [
                event
                for event in store.get_events_by_execution_ids([execution.id])
                if event.type in (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
            ]
            artifacts = {
                artifact.id: artifact
                for artifact in store.get_artifacts_by_id([e.artifact_id for e in events])
            }
            for event in events:
                key, artifact = event.path.steps[0].key, artifacts[event.artifact_id]
                found.setdefault(node, {}).setdefault(key, _plain(artifact))
        return found

    def steps(self) -> dict[str, StepRecord]:
        """Each step that has begun, in the order in which they did."""
        if not (executions := self._executions()):
            return {}
        store = _open(self._file)
        found = {}
        for node, execution in sorted(executions.items(), key=lambda pair: pair[1].id):
            events = store.get_events_by_execution_ids([execution.id])
            artifacts = store.get_artifacts_by_id([event.artifact_id for event in events])
            uris = {artifact.id: artifact.uri for artifact in artifacts}
            found[node] = StepRecord(
                state=pb.Execution.State.Name(execution.last_known_state),
                started=execution.create_time_since_epoch / 1000,
                inputs=_links(events, uris, (pb.Event.INPUT, pb.Event.INTERNAL_INPUT)),
                outputs=_links(events, uris, (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)),
                parameters=_values(execution),
            )
        return found

    def _executions(self) -> dict[str, pb.Execution]:
        if not self._file.exists():
            return {}
        store = _open(self._file)
        try:
            run = store.get_context_by_type_and_name("pipeline_run", self._run_id)
        except ml_metadata.errors.NotFoundError:  # no run has come so far as to name itself
            run = None
        newest: dict[str, pb.Execution] = {}
        for execution in store.get_executions_by_context(run.id) if run else ():
            for context in store.get_contexts_by_execution(execution.id):
                if context.type == "node":  # named <pipeline>.<node id>
                    node = context.name.split(".", 1)[-1]
                    if node not in newest or execution.id > newest[node].id:
                        newest[node] = execution
        return newest


def newest_run_with(metadata_file: Path, steps: Collection[str]) -> str | None:
    """The id of the newest run in which all of some steps came to a good end, or None."""
    if not metadata_file.exists():
        return None
    try:
        runs = _open(metadata_file).get_contexts_by_type("pipeline_run")
    except ml_metadata.errors.NotFoundError:
        return None
    for run in sorted(runs, key=lambda one: one.id, reverse=True):
        states = RunMetadata(metadata_file, run.name).states()
        if all(states.get(step) in GOOD_STATES for step in steps):
            return run.name
    return None


def _open(metadata_file: Path) -> ml_metadata.MetadataStore:
    return open_store(metadata_file)


def _links(
    events: Iterable[pb.Event], uris: Mapping[int, str], types: Collection[int]
) -> tuple[ArtifactLink, ...]:
    links = [
        ArtifactLink(event.path.steps[0].key, event.artifact_id, uris[event.artifact_id])
        for event in events
        if event.type in types
    ]
    return tuple(sorted(links, key=lambda link: (link.key, link.id)))


def _plain(artifact: pb.Artifact) -> OutputArtifact:
    return OutputArtifact(uri=artifact.uri, properties=_values(artifact))


def _values(node: pb.Artifact | pb.Execution) -> dict[str, Any]:
    pairs = [*node.properties.items(), *node.custom_properties.items()]
    return {name: getattr(value, value.WhichOneof("value")) for name, value in pairs}

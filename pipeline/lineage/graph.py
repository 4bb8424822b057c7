"""All executions and artifacts of a metadata file, and the ways between them, read in one go."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.metadata_store import damage_told, open_store

_GOOD = (pb.Execution.COMPLETE, pb.Execution.CACHED)
_IN = (pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT)
_OUT = (pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT)


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A thing that some step wrote.

    Attributes:
        id: Its number in ML Metadata.
        type: Such as `Model`.
        uri: Its folder.
        properties: Its properties, the custom ones included.
    """

    id: int
    type: str
    uri: str
    properties: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Execution:
    """A step that ran to a good end.

    Attributes:
        id: Its number in ML Metadata.
        step: The name of the step, such as `Trainer`.
        run: The id of the run that it was part of; empty if of none.
        ended: Milliseconds since 1970.
        parameters: What it was given besides artifacts.
        inputs: The artifacts that it read.
        outputs: The artifacts that it wrote, or took from the execution that had written them.
    """

    id: int
    step: str
    run: str
    ended: int
    parameters: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Graph:
    """Executions and artifacts, by id, with the ways from one to the other."""

    def __init__(self, artifacts: list[Artifact], executions: list[Execution]) -> None:
        """Indexes them."""
        self.artifacts = {one.id: one for one in artifacts}
        self.executions = {one.id: one for one in executions}
        self._writer: dict[int, int] = {}
        for execution in sorted(executions, key=lambda one: one.id):
            for artifact in execution.outputs:
                # Those that come later, in the cache or a partial run, only hand it on.
                self._writer.setdefault(artifact, execution.id)

    def writer(self, artifact: int) -> Execution | None:
        """The execution that made an artifact."""
        number = self._writer.get(artifact)
        return None if number is None else self.executions[number]

    def ancestors(self, artifact: int) -> list[Artifact]:
        """All that an artifact came from, the nearest first, beginning with itself."""
        found, waiting = {artifact: None}, [artifact]
        while waiting:
            writer = self.writer(waiting.pop(0))
            for one in writer.inputs if writer else ():
                if one not in found:
                    found[one] = None
                    waiting.append(one)
        return [self.artifacts[one] for one in found if one in self.artifacts]

    def of_type(self, name: str) -> list[Artifact]:
        """All artifacts of a type, oldest first."""
        return sorted(
            (one for one in self.artifacts.values() if one.type == name), key=lambda one: one.id
        )


def read(metadata_file: Path) -> Graph:
    """Reads a metadata file, without changing it; an empty graph if there is none.

    Raises:
        StorageError: If it cannot be read, or is damaged.
    """
    if not metadata_file.exists():
        return Graph([], [])
    with damage_told(metadata_file):
        return _read(open_store(metadata_file))


def _read(store: ml_metadata.MetadataStore) -> Graph:
    executions = [one for one in store.get_executions() if one.last_known_state in _GOOD]
    inputs: dict[int, list[int]] = {}
    outputs: dict[int, list[int]] = {}
    events = store.get_events_by_execution_ids([one.id for one in executions]) if executions else []
    for event in events:
        ends = inputs if event.type in _IN else outputs if event.type in _OUT else {}
        ends.setdefault(event.execution_id, []).append(event.artifact_id)
    steps, runs = _members(store, "node"), _members(store, "pipeline_run")
    return Graph(
        [Artifact(one.id, one.type, one.uri, _values(one)) for one in store.get_artifacts()],
        [
            Execution(
                id=one.id,
                step=steps.get(one.id, one.type).rpartition(".")[2],
                run=runs.get(one.id, ""),
                ended=one.last_update_time_since_epoch,
                parameters=_values(one),
                inputs=tuple(inputs.get(one.id, ())),
                outputs=tuple(outputs.get(one.id, ())),
            )
            for one in executions
        ],
    )


def _members(store: ml_metadata.MetadataStore, context_type: str) -> dict[int, str]:
    """The name of the context of a type that an execution is in, by execution."""
    try:
        contexts = store.get_contexts_by_type(context_type)
    except ml_metadata.errors.NotFoundError:  # no run has begun
        return {}
    # An execution that is reused is in the contexts of later runs as well: the first one counts.
    return {
        execution.id: context.name
        for context in sorted(contexts, key=lambda one: -one.id)
        for execution in store.get_executions_by_context(context.id)
    }


def _values(node: pb.Artifact | pb.Execution) -> dict[str, Any]:
    pairs = [*node.properties.items(), *node.custom_properties.items()]
    return {name: getattr(value, value.WhichOneof("value")) for name, value in pairs}

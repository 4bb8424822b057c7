"""Writes into ML Metadata that a version was made of another one, so that lineage goes on.

An execution of the type `Rollback` or `Promotion`, whose input is the `PushedModel` that the Pusher
left and whose output is another one. It belongs to the pipeline and to no run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types import standard_artifacts

from tfxkit.errors import StorageError

INPUT, OUTPUT = "restored_model", "pushed_model"
CAN_CHANGE = {"can_add_fields": True, "can_omit_fields": True}


@dataclasses.dataclass
class Restoration:
    """What is recorded.

    Attributes:
        kind: The type of the execution.
        pipeline: The pipeline's name.
        restored: The path or address of the version that is copied.
        replaced: That of the version which is served until then.
        published: That of the copy, once it is there.
    """

    kind: str
    pipeline: str
    restored: str
    replaced: str
    published: str | None = None


@contextlib.contextmanager
def recorded(store: ml_metadata.MetadataStore, restoration: Restoration) -> Iterator[None]:
    """Records before and after what is done inside: a store that cannot be written stops it.

    Raises:
        StorageError: If the metadata cannot be written.
    """
    try:
        execution = _begin(store, restoration)
    except ml_metadata.errors.StatusError as error:
        raise StorageError(
            f"This cannot be recorded in ML Metadata, so nothing was done: {error}"
        ) from error
    try:
        yield
    except BaseException:
        execution.last_known_state = pb.Execution.FAILED
        with contextlib.suppress(ml_metadata.errors.StatusError):
            store.put_execution(execution, [], [])
        raise
    execution.last_known_state = pb.Execution.COMPLETE
    try:
        store.put_execution(execution, [_output(store, restoration)], [])
    except ml_metadata.errors.StatusError as error:
        raise StorageError(
            f"{restoration.published} is served, but ML Metadata cannot be told so: {error}"
        ) from error


def _begin(store: ml_metadata.MetadataStore, restoration: Restoration) -> pb.Execution:
    execution = pb.Execution(
        type_id=store.put_execution_type(pb.ExecutionType(name=restoration.kind), **CAN_CHANGE),
        last_known_state=pb.Execution.RUNNING,
    )
    for name in ("restored", "replaced"):
        execution.custom_properties[name].string_value = getattr(restoration, name)
    context = pb.Context(
        type_id=store.put_context_type(pb.ContextType(name="pipeline"), **CAN_CHANGE),
        name=restoration.pipeline,
    )
    event = _event(pb.Event.INPUT, INPUT)
    # One transaction. The pipeline's context is there since its first run.
    execution.id, _, _ = store.put_execution(
        execution,
        [(_pushed(store, restoration.restored), event)],
        [context],
        reuse_context_if_already_exist=True,
    )
    return execution


def _pushed(store: ml_metadata.MetadataStore, version_dir: str) -> pb.Artifact:
    """What the Pusher recorded of a version; an artifact of our own if it is forgotten there."""
    for artifact in store.get_artifacts_by_type(standard_artifacts.PushedModel.TYPE_NAME):
        properties = artifact.custom_properties
        if "adopted" not in properties and (
            properties["pushed_destination"].string_value == version_dir
        ):
            return artifact
    return _artifact(store, version_dir)


def _output(
    store: ml_metadata.MetadataStore, restoration: Restoration
) -> tuple[pb.Artifact, pb.Event]:
    return _artifact(store, restoration.published or ""), _event(pb.Event.OUTPUT, OUTPUT)


def _artifact(store: ml_metadata.MetadataStore, version_dir: str) -> pb.Artifact:
    """A PushedModel with the properties that TFX's Pusher gives it."""
    pushed = standard_artifacts.PushedModel()
    pushed.uri = version_dir
    pushed.set_int_custom_property("pushed", 1)
    pushed.set_string_custom_property("pushed_destination", version_dir)
    pushed.set_string_custom_property("pushed_version", os.path.basename(version_dir))
    pushed.type_id = store.put_artifact_type(pushed.artifact_type, **CAN_CHANGE)
    artifact = pushed.mlmd_artifact
    artifact.state = pb.Artifact.LIVE
    return artifact


def _event(kind: pb.Event.Type, key: str) -> pb.Event:
    event = pb.Event(type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event

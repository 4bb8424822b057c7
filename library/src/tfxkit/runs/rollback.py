"""Rollback: serves a pushed version again.

The version is checked, then copied under a new and thus highest number, as by the Pusher, and
recorded in ML Metadata for its lineage: an execution of the type `Rollback`, with the `PushedModel`
of the Pusher as its input and another one as its output. It belongs to the pipeline and to no run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from tfxkit.components.pusher.publishing import publish
from tfxkit.components.serving_check.fresh_process import serve
from tfxkit.components.serving_check.verdict import NotBlessedError, ServingResult
from tfxkit.errors import MachineError, ModelError, StorageError, UsageError
from tfxkit.runs.metadata import open_store
from tfxkit.runs.outputs import Outputs
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio

# Enough to start TensorFlow and to load any model that was pushed.
_TIMEOUT_S, _MEMORY_MB = 300, 16_384
# Unknown features are left out of a request: here all of them.
_REQUESTS = {"single": [b""], "batch": [b"", b""]}
_EXTENSIBLE = {"can_add_fields": True, "can_omit_fields": True}
_EXECUTION_TYPE = "Rollback"


def version_to_roll_back_to(outputs: Outputs, serving_dir: str, wanted: int | None) -> int | None:
    """The version that a rollback serves; None if `wanted` is the served model.

    Args:
        outputs: Of the pipeline.
        serving_dir: The folder of versions: a local path, or an address like s3://.
        wanted: A version named by the user, earlier or later. If None, the newest version before
            the served one with another model. A rolled-back copy counts as its original, so
            repeated rollbacks keep going back.

    Raises:
        UsageError: If there is no such version, or it is damaged.
    """
    served = _served_version(outputs, serving_dir)
    origin = served_model.origin(_path(serving_dir, served))
    if wanted is None:
        earlier = [
            version
            for version in served_model.complete_versions(serving_dir)
            if version < origin and not _same_model(serving_dir, version, served)
        ]
        if not earlier:
            raise UsageError(
                f"There is nothing to roll back to: no model in {serving_dir} is older than "
                f"{_with_origin(served, origin)}."
            )
        return earlier[-1]
    _ensure_complete(serving_dir, wanted)
    return None if _same_model(serving_dir, wanted, served) else wanted


def serve_again(outputs: Outputs, serving_dir: str, version: int) -> str:
    """Makes a version the newest of its folder, by a copy under a new number.

    Args:
        outputs: Of the pipeline; locked.
        serving_dir: The folder of versions: a local path, or an address like s3://.
        version: A complete version there.

    Returns:
        A message for the user.

    Raises:
        UsageError: If the version does not load, or gives no answer.
        MachineError: If the machine is short of time or memory for the check of the version.
        StorageError: If it cannot be copied or recorded; the served model stays the same then.
    """
    store = open_store(outputs.metadata, write=True)
    version_dir = _path(serving_dir, version)
    restoration = _Restoration(
        pipeline=outputs.root.name,
        restored=version_dir,
        replaced=served_model.newest_version(serving_dir) or "",
    )
    with tempfile.TemporaryDirectory() as folder:
        # The copy is checked and then published, so that both are the same files.
        copy = os.path.join(folder, str(version))
        io_utils.copy_dir(version_dir, copy)
        _ensure_serves(copy, version)
        with fileio.open(os.path.join(copy, served_model.RESTORED), "w") as file:
            file.write(json.dumps({"version": served_model.origin(version_dir)}))
        with _recorded(store, restoration):
            try:
                restoration.published = publish(_files(copy), serving_dir).path
            except ModelError as error:
                raise StorageError(
                    f"Version {version} cannot be copied: {error.__cause__}\n"
                    "The served model stays the same."
                ) from error
    new, before = (os.path.basename(path) for path in (restoration.published, restoration.replaced))
    return (
        f"Version {new} is served now: the model of version {version}.\n"
        f"Version {before} is kept. To serve it again: "
        f"{_command(outputs, serving_dir, int(before))}\n"
    )


def _command(outputs: Outputs, serving_dir: str, version: int) -> str:
    own = serving_dir == str(outputs.serving)
    return outputs.command("rollback", str(version), *(() if own else ("--serving", serving_dir)))


def _served_version(outputs: Outputs, serving_dir: str) -> int:
    complete = served_model.complete_versions(serving_dir)
    if not complete:
        raise UsageError(f"No model has been pushed to {serving_dir}: {outputs.command('run')}")
    return complete[-1]


def _ensure_complete(serving_dir: str, version: int) -> None:
    if version not in served_model.versions(serving_dir):
        complete = ", ".join(map(str, served_model.complete_versions(serving_dir)))
        raise UsageError(f"There is no version {version} in {serving_dir}; there are: {complete}")
    if lacking := served_model.missing(_path(serving_dir, version)):
        raise UsageError(f"Version {version} is damaged: it lacks {', '.join(lacking)}.")


def _ensure_serves(version_dir: str, version: int) -> None:
    try:
        serve(version_dir, _REQUESTS, _TIMEOUT_S, _MEMORY_MB, ServingResult())
    except NotBlessedError as error:
        raise UsageError(f"Version {version} is damaged: it {error}") from error
    except MachineError as error:
        raise MachineError(
            f"Version {version} could not be checked. {error} Nothing was changed. Run it again."
        ) from error


def _same_model(serving_dir: str, version: int, other: int) -> bool:
    first, second = (served_model.fingerprint(_path(serving_dir, v)) for v in (version, other))
    return first == second


def _with_origin(served: int, origin: int) -> str:
    return f"version {served}" if served == origin else f"version {served} (a copy of {origin})"


def _path(serving_dir: str, version: int) -> str:
    return os.path.join(serving_dir, str(version))


def _files(folder: str) -> dict[str, str]:
    return {
        os.path.relpath(os.path.join(parent, name), folder): os.path.join(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
    }


@dataclasses.dataclass
class _Restoration:
    """Content of the record in ML Metadata.

    Attributes:
        pipeline: The pipeline's name.
        restored: The path or address of the version that is copied.
        replaced: The path or address of the version that was served before.
        published: The path or address of the copy, once it is published.
    """

    pipeline: str
    restored: str
    replaced: str
    published: str = ""


@contextlib.contextmanager
def _recorded(store: ml_metadata.MetadataStore, restoration: _Restoration) -> Iterator[None]:
    """Records the start and the end of a rollback, which does not start if it cannot be recorded.

    Raises:
        StorageError: If the metadata cannot be written.
    """
    try:
        execution = _begin(store, restoration)
    except ml_metadata.errors.StatusError as error:
        raise StorageError(
            f"Nothing was done, because it cannot be recorded in ML Metadata: {error}"
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
        output = _new_artifact(store, restoration.published)
        store.put_execution(execution, [(output, _event(pb.Event.OUTPUT, "pushed_model"))], [])
    except ml_metadata.errors.StatusError as error:
        raise StorageError(
            f"Serving {restoration.published}, but the change could not be recorded in ML "
            f"Metadata: {error}"
        ) from error


def _begin(store: ml_metadata.MetadataStore, restoration: _Restoration) -> pb.Execution:
    execution = pb.Execution(
        type_id=store.put_execution_type(pb.ExecutionType(name=_EXECUTION_TYPE), **_EXTENSIBLE),
        last_known_state=pb.Execution.RUNNING,
    )
    execution.custom_properties["restored"].string_value = restoration.restored
    execution.custom_properties["replaced"].string_value = restoration.replaced
    context = pb.Context(
        type_id=store.put_context_type(pb.ContextType(name="pipeline"), **_EXTENSIBLE),
        name=restoration.pipeline,
    )
    restored = _pushed_artifact(store, restoration.restored)
    # One transaction. The pipeline's context exists since its first run.
    execution.id, _, _ = store.put_execution(
        execution,
        [(restored, _event(pb.Event.INPUT, "restored_model"))],
        [context],
        reuse_context_if_already_exist=True,
    )
    return execution


def _pushed_artifact(store: ml_metadata.MetadataStore, version_dir: str) -> pb.Artifact:
    """The artifact that the Pusher recorded for a version; a new one if there is none."""
    for artifact in store.get_artifacts_by_type(standard_artifacts.PushedModel.TYPE_NAME):
        properties = artifact.custom_properties
        if served_model.ADOPTED not in properties and (
            properties[served_model.PUSHED_DESTINATION].string_value == version_dir
        ):
            return artifact
    return _new_artifact(store, version_dir)


def _new_artifact(store: ml_metadata.MetadataStore, version_dir: str) -> pb.Artifact:
    """A PushedModel with the properties of TFX's Pusher."""
    pushed = standard_artifacts.PushedModel()
    pushed.uri = version_dir
    pushed.set_int_custom_property(served_model.PUSHED, 1)
    pushed.set_string_custom_property(served_model.PUSHED_DESTINATION, version_dir)
    pushed.set_string_custom_property(served_model.PUSHED_VERSION, os.path.basename(version_dir))
    pushed.type_id = store.put_artifact_type(pushed.artifact_type, **_EXTENSIBLE)
    artifact = pushed.mlmd_artifact
    artifact.state = pb.Artifact.LIVE
    return artifact


def _event(event_type: pb.Event.Type, key: str) -> pb.Event:
    event = pb.Event(type=event_type)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event

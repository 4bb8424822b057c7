"""The versions of a model: the newest complete one is served, as the folder changes.

Like TensorFlow Serving with its default policy, one version is served, and the old one until the
new one can answer. A version is loaded once nothing in its folder has changed between two looks:
the Pusher renames it into place, but a copy by hand grows under its number.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfxkit.serving.model import LoadedModel, invalid, not_found
from tfxkit.storage import served_model

logger = logging.getLogger("tfxkit.serving")

SIGNATURE_DEF = "signature_def"
_States = get_model_status_pb2.ModelVersionStatus.State

Files = frozenset[tuple[str, int, int]]  # path, size in bytes, time of change in ns


@dataclasses.dataclass(frozen=True)
class VersionState:
    """State of a version.

    Attributes:
        version: Its number.
        state: LOADING, AVAILABLE or END, in the terms of TensorFlow Serving.
        error: The reason why it could not be loaded; empty if it could.
    """

    version: int
    state: str
    error: str = ""

    @property
    def code(self) -> grpc.StatusCode:
        """OK, or that of the error."""
        return grpc.StatusCode.UNKNOWN if self.error else grpc.StatusCode.OK


class Versions:
    """The versions of one model. `look` is for one thread, everything else for any."""

    def __init__(self, name: str, folder: str, notify: Callable[[str], object]) -> None:
        """Serves nothing yet.

        Args:
            name: Of the model, in requests.
            folder: The folder of versions.
            notify: Receives a line when another version is served, or one does not load.
        """
        self.name, self._folder, self._notify = name, folder, notify
        self._current: LoadedModel | None = None
        self._seen: dict[int, Files] = {}
        self._failed: dict[int, Files] = {}
        self._states: dict[int, VersionState] = {}

    @property
    def current(self) -> LoadedModel | None:
        """The version that is served."""
        return self._current

    def find(self, name: str, version: int | None = None, label: str | None = None) -> LoadedModel:
        """Finds the version that answers a request.

        Raises:
            ServingError: If there is no such model, or it is not served in this version.
        """
        if label:
            raise invalid(f"Unrecognized servable version label: {label}")
        current = self._current
        if current is None or name != self.name or version not in (None, current.version):
            servable = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise not_found(f"Servable not found for request: {servable}")
        return current

    def states(self, name: str, version: int | None = None) -> list[VersionState]:
        """States of all versions, newest first, or of a single one.

        Raises:
            ServingError: If there is no such model or version.
        """
        known = sorted(self._states.copy().values(), key=lambda state: state.version, reverse=True)
        if name != self.name or not known:
            raise not_found(f"Could not find any versions of model {name}")
        states = [state for state in known if version in (None, state.version)]
        if not states:
            raise not_found(f"Could not find version {version} of model {name}")
        return states

    def watch(self, interval_s: float, ended: threading.Event) -> None:
        """Looks at the folder at intervals, until the event is set."""
        while not ended.wait(interval_s):
            try:
                self.look()
            except OSError:  # the folder cannot be read; what is in memory goes on
                logger.exception("Cannot look into %s", self._folder)

    def look(self) -> None:
        """Loads new versions, and drops those that are gone."""
        seen = {
            version: _files(os.path.join(self._folder, str(version)))
            for version in served_model.complete_versions(self._folder)
        }
        settled = [version for version, files in seen.items() if self._seen.get(version) == files]
        self._seen = seen
        self._failed = {v: files for v, files in self._failed.items() if seen.get(v) == files}
        serving = self._current.version if self._current else None
        # The served version is in memory: changes of its files are no reason for an older one.
        if serving in seen and serving not in settled:
            settled.append(serving)
        for version in sorted(settled, reverse=True):
            if version == serving:
                return
            if version not in self._failed and self._serve(version):
                return
        if serving is not None and serving not in seen:
            self._switch(None)

    def _serve(self, version: int) -> bool:
        self._states[version] = VersionState(version, "LOADING")
        try:
            loaded = LoadedModel(os.path.join(self._folder, str(version)))
        except Exception as error:  # a defective model must not end the server
            logger.exception("Version %d does not load", version)
            self._failed[version] = self._seen[version]
            first_line = str(error).strip().split("\n", maxsplit=1)[0]
            reason = f"{type(error).__name__}: {first_line}"
            self._states[version] = VersionState(version, "END", reason)
            self._notify(f"Version {version} does not load, so it is not served: {reason}")
            return False
        self._switch(loaded)
        return True

    def _switch(self, loaded: LoadedModel | None) -> None:
        before, self._current = self._current, loaded
        if loaded is not None:
            self._states[loaded.version] = VersionState(loaded.version, "AVAILABLE")
            self._notify(f"Version {loaded.version} is served.")
        else:
            self._notify(f"No version is left in {self._folder}: nothing is served.")
        if before is not None:
            self._states[before.version] = VersionState(before.version, "END")


def status_message(
    states: list[VersionState],
) -> get_model_status_pb2.GetModelStatusResponse:
    """Builds the message of TensorFlow Serving with the state of each version."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for state in states:
        added = response.model_version_status.add(
            version=state.version, state=_States.Value(state.state)
        )
        added.status.error_code = state.code.value[0]
        added.status.error_message = state.error
    return response


def metadata_message(
    name: str, model: LoadedModel
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Builds the message of TensorFlow Serving with the signatures of a version."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = name
    response.model_spec.version.value = model.version
    response.metadata[SIGNATURE_DEF].Pack(_signatures(model))
    return response


def status_json(states: list[VersionState]) -> dict[str, Any]:
    """`status_message` in the JSON of the REST API."""
    return _to_dict(status_message(states), keep_names=False)


def metadata_json(name: str, model: LoadedModel) -> dict[str, Any]:
    """`metadata_message` in the JSON of the REST API."""
    spec = metadata_message(name, model).model_spec
    signatures = _to_dict(_signatures(model), keep_names=True)
    return {
        "model_spec": _to_dict(spec, keep_names=True),
        "metadata": {SIGNATURE_DEF: signatures},
    }


def _signatures(model: LoadedModel) -> get_model_metadata_pb2.SignatureDefMap:
    return get_model_metadata_pb2.SignatureDefMap(signature_def=model.signature_defs)


def _to_dict(message: Message, *, keep_names: bool) -> dict[str, Any]:
    text = json_format.MessageToJson(
        message,
        preserving_proto_field_name=keep_names,
        always_print_fields_with_no_presence=True,
    )
    return json.loads(text)


def _files(version_dir: str) -> Files:
    files = set()
    for parent, _, names in os.walk(version_dir):
        for name in names:
            path = os.path.join(parent, name)
            try:
                status = os.stat(path)
            except FileNotFoundError:  # removed, or renamed into place, meanwhile
                continue
            files.add((path, status.st_size, status.st_mtime_ns))
    return frozenset(files)

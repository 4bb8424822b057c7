"""Which version is served: the newest that is whole and loads, as the folder changes.

As TensorFlow Serving does it with its default policy, one version is served, and the old one until
the new one can answer. A version is loaded once nothing in its folder has changed between two
looks: the Pusher renames it into place, but one that is copied by hand grows under its number.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections.abc import Callable

import grpc

from tfxkit.serving.errors import invalid, not_found
from tfxkit.serving.loaded_model import LoadedModel
from tfxkit.storage import served_model

logger = logging.getLogger("tfxkit.serving")

Files = frozenset[tuple[str, int, int]]  # path, size in bytes, time of change in ns


@dataclasses.dataclass(frozen=True)
class VersionState:
    """What became of a version.

    Attributes:
        version: Its number.
        state: LOADING, AVAILABLE or END, as TensorFlow Serving calls them.
        error: Why it could not be loaded; empty if it could.
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

    def __init__(self, name: str, folder: str, tell: Callable[[str], object]) -> None:
        """Serves nothing yet.

        Args:
            name: Of the model, as clients call it.
            folder: The folder of versions.
            tell: Is given a line when another version is served, or one does not load.
        """
        self.name, self._folder, self._tell = name, folder, tell
        self._current: LoadedModel | None = None
        self._seen: dict[int, Files] = {}
        self._failed: dict[int, Files] = {}
        self._states: dict[int, VersionState] = {}

    @property
    def current(self) -> LoadedModel | None:
        """The version that is served."""
        return self._current

    def find(self, name: str, version: int | None = None, label: str | None = None) -> LoadedModel:
        """The version that answers a request.

        Raises:
            ServingError: If there is no such model, or it is not served in this version.
        """
        if label:
            raise invalid(f"Unrecognized servable version label: {label}")
        current = self._current
        if current is None or name != self.name or version not in (None, current.version):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise not_found(f"Servable not found for request: {wanted}")
        return current

    def states(self, name: str, version: int | None = None) -> list[VersionState]:
        """The states of all versions, newest first, or of one.

        Raises:
            ServingError: If there is no such model or version.
        """
        known = sorted(self._states.copy().values(), key=lambda one: one.version, reverse=True)
        if name != self.name or not known:
            raise not_found(f"Could not find any versions of model {name}")
        found = [one for one in known if version in (None, one.version)]
        if not found:
            raise not_found(f"Could not find version {version} of model {name}")
        return found

    def watch(self, interval_s: float, ended: threading.Event) -> None:
        """Looks again and again, until the event is set."""
        while not ended.wait(interval_s):
            try:
                self.look()
            except OSError:  # the folder cannot be read; what is in memory goes on
                logger.exception("Cannot look into %s", self._folder)

    def look(self) -> None:
        """Loads what is new, and drops what is gone."""
        seen = {
            version: _files(os.path.join(self._folder, str(version)))
            for version in served_model.complete_versions(self._folder)
        }
        settled = [version for version, files in seen.items() if self._seen.get(version) == files]
        self._seen = seen
        self._failed = {v: files for v, files in self._failed.items() if seen.get(v) == files}
        serving = self._current.version if self._current else None
        # In memory, whatever happens to its files: not to be left for an older one.
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
        except Exception as error:  # whatever may be wrong with a model must not end the server
            logger.exception("Version %d does not load", version)
            self._failed[version] = self._seen[version]
            first_line = str(error).strip().split("\n", maxsplit=1)[0]
            reason = f"{type(error).__name__}: {first_line}"
            self._states[version] = VersionState(version, "END", reason)
            self._tell(f"Version {version} does not load, so it is not served: {reason}")
            return False
        self._switch(loaded)
        return True

    def _switch(self, loaded: LoadedModel | None) -> None:
        before, self._current = self._current, loaded
        if loaded is not None:
            self._states[loaded.version] = VersionState(loaded.version, "AVAILABLE")
            self._tell(f"Version {loaded.version} is served.")
        else:
            self._tell(f"No version is left in {self._folder}: nothing is served.")
        if before is not None:
            self._states[before.version] = VersionState(before.version, "END")


def _files(version_dir: str) -> Files:
    found = set()
    for parent, _, names in os.walk(version_dir):
        for name in names:
            path = os.path.join(parent, name)
            try:
                status = os.stat(path)
            except FileNotFoundError:  # is being removed, or renamed into place
                continue
            found.add((path, status.st_size, status.st_mtime_ns))
    return frozenset(found)

"""Serves a version again: checked, copied as the Pusher copies, recorded."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from tfx.utils import io_utils

from components.pusher.publish import publish
from components.serving_check.fresh_process import serve
from components.serving_check.result import Result
from components.serving_check.verdict import NotBlessedError
from pipeline.metadata_store import open_store
from pipeline.restoring.record import Restoration, recorded
from tfxkit.errors import ModelError, StorageError, UsageError
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio

# Enough to start TensorFlow and to load any model that was pushed; who waits can see it waiting.
TIMEOUT_S, MEMORY_MB = 300, 16_384
# What is not known is left out of a request, here everything.
REQUESTS = {"single": [b""], "batch": [b"", b""]}


def serve_again(
    kind: str, serving_dir: str, version: int, *, pipeline: str, metadata_file: Path
) -> str:
    """Makes a version the newest of its folder, by a copy under a new number.

    Args:
        kind: The type of the execution that is recorded.
        serving_dir: The folder of versions: a local path, or an address like s3://.
        version: A complete version there.
        pipeline: The pipeline's name.
        metadata_file: Where it is recorded.

    Returns:
        What was done, for the user.

    Raises:
        UsageError: If the version does not load, or answers nothing.
        StorageError: If it cannot be copied or recorded; what is served stays as it is then.
    """
    store = open_store(metadata_file, write=True)
    version_dir = os.path.join(serving_dir, str(version))
    restoration = Restoration(
        kind=kind,
        pipeline=pipeline,
        restored=version_dir,
        replaced=served_model.newest_version(serving_dir) or "",
    )
    with tempfile.TemporaryDirectory() as folder:
        # What is checked is what is copied, wherever it comes from.
        copy = os.path.join(folder, str(version))
        io_utils.copy_dir(version_dir, copy)
        _check(copy, version)
        with fileio.open(os.path.join(copy, served_model.RESTORED), "w") as file:
            file.write(json.dumps({"version": served_model.origin(version_dir)}))
        with recorded(store, restoration):
            try:
                restoration.published = publish(_files(copy), serving_dir).path
            except ModelError as error:
                raise StorageError(
                    f"Version {version} cannot be copied: {error.__cause__}\n"
                    "What is served stays as it is."
                ) from error
    new, before = (os.path.basename(path) for path in (restoration.published, restoration.replaced))
    return (
        f"Version {new} is served now: the model of version {version}.\n"
        f"Version {before} is kept; to serve it again: python -m pipeline promote {before}\n"
    )


def _check(version_dir: str, version: int) -> None:
    try:
        serve(version_dir, REQUESTS, TIMEOUT_S, MEMORY_MB, Result())
    except NotBlessedError as error:
        raise UsageError(f"Version {version} is damaged: it {error}") from error


def _files(folder: str) -> dict[str, str]:
    return {
        os.path.relpath(os.path.join(parent, name), folder): os.path.join(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
    }

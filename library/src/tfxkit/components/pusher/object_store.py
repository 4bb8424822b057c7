"""Writes a version into an object store: there is no rename, so `saved_model.pb` goes last.

Until it is there, model servers cannot load the version and `tfxkit.storage.served_model` does not
count it. What a dead push leaves behind stays, under a number that is never used again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import uuid
from collections.abc import Mapping

from tfxkit.storage.filesystems import fileio

CHUNK = 1 << 20
LAST = "saved_model.pb"


def locked(serving_dir: str) -> contextlib.AbstractContextManager[None]:
    """Does nothing: object stores have no locks. Two runs at once may push the same model twice."""
    del serving_dir
    return contextlib.nullcontext()


def write(files: Mapping[str, str], serving_dir: str, at_least: int) -> str:
    """Writes a version.

    Args:
        files: Path inside the version -> where it is copied from.
        serving_dir: The address of the folder of versions.
        at_least: The version's number, or a greater one that is free.

    Returns:
        The address of the version.

    Raises:
        OSError: If it cannot be written; nothing of it is left then.
        tensorflow.errors.OpError: Likewise, where TensorFlow does the writing.
    """
    claim = f"claim-{uuid.uuid4().hex}"
    path = _take_number(serving_dir, at_least, claim)
    try:
        for name in sorted(files, key=lambda name: name == LAST):
            _copy(files[name], os.path.join(path, name))
        fileio.remove(os.path.join(path, claim))
    except BaseException:
        with contextlib.suppress(Exception):
            fileio.rmtree(path)
        raise
    return path


def _take_number(serving_dir: str, version: int, claim: str) -> str:
    """Makes a version's folder that belongs to this push alone.

    Each push writes its own claim and then looks: of two that want the same number, at least the
    one that looks last sees both, and whoever sees another takes a different number.
    """
    while True:
        path = os.path.join(serving_dir, str(version))
        fileio.makedirs(path)
        with fileio.open(os.path.join(path, claim), "w") as file:
            file.write("")
        if [os.fsdecode(name).rstrip("/") for name in fileio.listdir(path)] == [claim]:
            return path
        fileio.remove(os.path.join(path, claim))
        version += 1 + secrets.randbelow(100)


def _copy(source: str, target: str) -> None:
    fileio.makedirs(os.path.dirname(target))
    with fileio.open(source, "rb") as read, fileio.open(target, "wb") as written:
        shutil.copyfileobj(read, written, CHUNK)

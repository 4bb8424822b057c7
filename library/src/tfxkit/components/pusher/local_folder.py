"""Writes a version into a local folder: copied aside, flushed to disk, then renamed.

A model server watches the folder and takes every number in it for a version, so the number must
appear last, and with everything in it, also if this process dies or the power fails half-way.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping

from tfxkit.storage.filesystems import fileio

logger = logging.getLogger("tfxkit.components.pusher")

LOCK = ".push.lock"
WAIT_S = 600.0  # for another push into the same folder
CHUNK = 1 << 20
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def locked(serving_dir: str) -> Iterator[None]:
    """Lets one push at a time into the folder, and removes what dead ones have left in it.

    The kernel frees the lock of a process that dies. On file systems that have no locks pushes go
    on without; they still cannot damage each other's version, but two of them at the same time may
    push the same model twice.

    Raises:
        OSError: If the folder cannot be written to, or another push does not end.
    """
    os.makedirs(serving_dir, exist_ok=True)
    with open(os.path.join(serving_dir, LOCK), "w") as file:
        if _acquire(file.fileno()):
            _remove_remains(serving_dir)
        yield


def write(files: Mapping[str, str], serving_dir: str, at_least: int) -> str:
    """Writes a version; to be called within `locked`.

    Args:
        files: Path inside the version -> where it is copied from.
        serving_dir: The folder of versions.
        at_least: The version's number, or the next one that is free.

    Returns:
        The path of the version.

    Raises:
        OSError: If it cannot be written; nothing of it is left then.
    """
    staged = _hidden(serving_dir, at_least)
    try:
        for name, source in files.items():
            _copy(source, os.path.join(staged, name))
        for parent, _, _ in os.walk(staged):
            _flush(parent)
        return _rename_to_free_version(staged, serving_dir, at_least)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def _acquire(lock: int) -> bool:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another push has been going on for {WAIT_S:.0f} s") from None
            time.sleep(0.1)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            logger.warning("No file locks here (%s): do not push from two runs at once.", error)
            return False
        else:
            return True


def _remove_remains(serving_dir: str) -> None:
    for name in os.listdir(serving_dir):
        if re.fullmatch(r"\.\d+\.[0-9a-f]{32}", name):
            # Some network mounts give locks that other hosts do not see. Renamed first, the copy of
            # a push that is alive after all is lost as a whole, never published with holes.
            remains = _hidden(serving_dir, 0)
            with contextlib.suppress(OSError):  # they may be another user's
                os.rename(os.path.join(serving_dir, name), remains)
                shutil.rmtree(remains)


def _hidden(serving_dir: str, version: int) -> str:
    """A name of our own that no model server takes for a version."""
    return os.path.join(serving_dir, f".{version}.{uuid.uuid4().hex}")


def _copy(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with fileio.open(source, "rb") as read, open(target, "wb") as written:
        shutil.copyfileobj(read, written, CHUNK)
        written.flush()
        os.fsync(written.fileno())


def _rename_to_free_version(staged: str, serving_dir: str, version: int) -> str:
    while True:
        path = os.path.join(serving_dir, str(version))
        try:
            os.rename(staged, path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            version += 1  # taken meanwhile, by a push that saw no lock
        else:
            _flush(serving_dir)
            return path


def _flush(folder: str) -> None:
    """Makes the names in a folder survive a power failure, not only the files' contents."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

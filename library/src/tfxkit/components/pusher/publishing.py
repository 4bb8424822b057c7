"""Published versions of a model: complete or absent, and no model twice in a row.

A model server watches the serving folder and takes every number in it for a version. In a local
folder a version is therefore copied under a hidden name, flushed to disk, and renamed: its number
appears last, also if this process dies or the power fails half-way. An object store cannot rename,
so there `saved_model.pb` is written last: without it, model servers cannot load the version, and
`tfxkit.storage.served_model` does not count it. Leftovers of an interrupted push stay there under
a number that is never used again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import logging
import os
import re
import secrets
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping

import tensorflow as tf

from tfxkit.errors import ModelError
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio

logger = logging.getLogger("tfxkit.components.pusher")

LOCK = ".push.lock"
LAST_FILE = "saved_model.pb"  # of a version in an object store
WAIT_S = 600.0  # for another push into the same folder
CHUNK = 1 << 20
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@dataclasses.dataclass(frozen=True)
class PublishedVersion:
    """Version that serves a model.

    Attributes:
        path: Path or address of the version.
        adopted: True if the model was the newest version already.
    """

    path: str
    adopted: bool


def publish(files: Mapping[str, str], serving_dir: str) -> PublishedVersion:
    """Makes the model the newest version of the serving folder, unless it is that already.

    Two pushes at once into an object store may publish the same model twice, as it has no locks.

    Args:
        files: Sources of all files of a version, by their paths inside the version.
        serving_dir: A local path, created if necessary, or an address like gs:// or s3://.

    Returns:
        The new version, or the newest one if it has the same fingerprint and reading.

    Raises:
        ModelError: If the folder cannot be written to; nothing is left there then.
    """
    in_object_store = "://" in serving_dir
    write = _write_to_object_store if in_object_store else _write_to_folder
    try:
        with contextlib.nullcontext() if in_object_store else lock_folder(serving_dir):
            newest = served_model.newest_version(serving_dir)
            if newest and _is_served(files, newest):
                return PublishedVersion(newest, adopted=True)
            path = write(files, serving_dir, at_least=next_version(serving_dir))
    except (OSError, tf.errors.OpError) as error:  # the latter from TensorFlow's gs:// and s3://
        raise ModelError(
            f"The model cannot be pushed to {serving_dir}: {error}\n"
            "What is served stays as it is. Make room there, or make the folder writable for you, "
            "and resume the run."
        ) from error
    return PublishedVersion(path, adopted=False)


def next_version(serving_dir: str) -> int:
    """Number of the next version: the time, or one more than the newest if the clock is behind.

    Model servers take the greatest number for the newest.
    """
    return max(
        [int(time.time()), *(newest + 1 for newest in served_model.versions(serving_dir)[-1:])]
    )


@contextlib.contextmanager
def lock_folder(serving_dir: str) -> Iterator[None]:
    """Admits one push at a time to a local folder, and removes the leftovers of interrupted ones.

    The kernel frees the lock of a process that dies. On file systems without locks, pushes cannot
    damage each other's version either, but two at once may publish the same model twice.

    Raises:
        OSError: If the folder cannot be written to, or another push does not end.
    """
    os.makedirs(serving_dir, exist_ok=True)
    with open(os.path.join(serving_dir, LOCK), "w") as file:
        if _acquire(file.fileno()):
            _remove_leftovers(serving_dir)
        yield


def _is_served(files: Mapping[str, str], newest: str) -> bool:
    """True if a version holds the same model, which reads rows to predict in the same way."""
    if served_model.fingerprint(newest) != _text(files, served_model.FINGERPRINT):
        return False
    path = os.path.join(newest, served_model.READING)
    served = {served_model.READING: path} if fileio.exists(path) else {}
    return _text(files, served_model.READING) == _text(served, served_model.READING)


def _text(files: Mapping[str, str], name: str) -> str | None:
    """Text of a file of a version; None if the version has no such file."""
    if name not in files:
        return None
    with fileio.open(files[name], "r") as file:
        return file.read().strip()


def _write_to_folder(files: Mapping[str, str], serving_dir: str, at_least: int) -> str:
    """Writes a version with the number `at_least` or the next free one; returns its path.

    Raises:
        OSError: If it cannot be written; nothing of it is left then.
    """
    staged = _hidden(serving_dir, at_least)
    try:
        for name, source in files.items():
            _copy_to_disk(source, os.path.join(staged, name))
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


def _remove_leftovers(serving_dir: str) -> None:
    for name in os.listdir(serving_dir):
        if re.fullmatch(r"\.\d+\.[0-9a-f]{32}", name):
            # Some network mounts give locks that other hosts do not see. Renamed first, the copy of
            # a push that is still alive is lost as a whole, never published with holes.
            leftovers = _hidden(serving_dir, 0)
            with contextlib.suppress(OSError):  # they may be another user's
                os.rename(os.path.join(serving_dir, name), leftovers)
                shutil.rmtree(leftovers)


def _hidden(serving_dir: str, version: int) -> str:
    """Unique name that no model server takes for a version."""
    return os.path.join(serving_dir, f".{version}.{uuid.uuid4().hex}")


def _copy_to_disk(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with fileio.open(source, "rb") as content, open(target, "wb") as copy:
        shutil.copyfileobj(content, copy, CHUNK)
        copy.flush()
        os.fsync(copy.fileno())


def _rename_to_free_version(staged: str, serving_dir: str, version: int) -> str:
    while True:
        path = os.path.join(serving_dir, str(version))
        try:
            os.rename(staged, path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise
            version += 1  # taken meanwhile by a push without a lock
        else:
            _flush(serving_dir)
            return path


def _flush(folder: str) -> None:
    """Flushes a folder, so that the names in it survive a power failure, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_to_object_store(files: Mapping[str, str], serving_dir: str, at_least: int) -> str:
    """Writes a version with the number `at_least` or a greater free one; returns its address.

    Raises:
        OSError: If it cannot be written; nothing of it is left then.
        tensorflow.errors.OpError: The same, if TensorFlow does the writing.
    """
    claim = f"claim-{uuid.uuid4().hex}"
    path = _take_number(serving_dir, at_least, claim)
    try:
        for name in sorted(files, key=lambda name: name == LAST_FILE):
            _copy_to_store(files[name], os.path.join(path, name))
        fileio.remove(os.path.join(path, claim))
    except BaseException:
        with contextlib.suppress(Exception):
            fileio.rmtree(path)
        raise
    return path


def _take_number(serving_dir: str, version: int, claim: str) -> str:
    """Creates a version's folder that belongs to this push alone; returns its address.

    Each push writes its claim and then lists the folder: of two with the same number, at least the
    one that lists last sees both claims, and a push that sees another takes a different number.
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


def _copy_to_store(source: str, target: str) -> None:
    fileio.makedirs(os.path.dirname(target))
    with fileio.open(source, "rb") as content, fileio.open(target, "wb") as copy:
        shutil.copyfileobj(content, copy, CHUNK)

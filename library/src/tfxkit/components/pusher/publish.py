"""Publishes a version once: the same model is never pushed twice in a row."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

import tensorflow as tf

from tfxkit.components.pusher import local_folder, object_store
from tfxkit.errors import ModelError
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio


@dataclasses.dataclass(frozen=True)
class Published:
    """The version that serves a model, and whether it was there already."""

    path: str
    adopted: bool


def publish(files: Mapping[str, str], serving_dir: str) -> Published:
    """Makes the model the newest version of the serving folder, unless it is that already.

    Args:
        files: Path inside the version -> where it is copied from; all that a version needs.
        serving_dir: A local path, made if need be, or an address like gs:// or s3://.

    Returns:
        The new version, or the newest one if it has the same fingerprint.

    Raises:
        ModelError: If the folder cannot be written to; nothing is left there then.
    """
    store = object_store if "://" in serving_dir else local_folder
    try:
        with store.locked(serving_dir):
            newest = served_model.newest_version(serving_dir)
            if newest and served_model.fingerprint(newest) == _fingerprint(files):
                return Published(newest, adopted=True)
            path = store.write(files, serving_dir, at_least=_next_version(serving_dir))
    except (OSError, tf.errors.OpError) as error:  # the latter from TensorFlow's gs:// and s3://
        raise ModelError(
            f"The model cannot be pushed to {serving_dir}: {error}\n"
            "What is served stays as it is. Make room there, or make the folder writable for you, "
            "and resume the run."
        ) from error
    return Published(path, adopted=False)


def _fingerprint(files: Mapping[str, str]) -> str:
    with fileio.open(files[served_model.FINGERPRINT], "r") as file:
        return file.read().strip()


def _next_version(serving_dir: str) -> int:
    """A model server takes the greatest number for the newest, also if the clock was set back."""
    return max(
        [int(time.time()), *(taken + 1 for taken in served_model.versions(serving_dir)[-1:])]
    )

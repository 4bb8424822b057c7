"""Writes the rows of a file, or of a part of one, into one shard of each split."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Sequence

import tensorflow as tf

from tfxkit.storage.examples_artifact import SPLIT_PREFIX
from tfxkit.storage.filesystems import fileio

TEMPORARY = ".tmp"  # beside the split folders, all of whose content is read as data
# Half the time of the usual level 6, for a quarter more bytes.
_GZIP = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def write_shards(
    batches: Iterable[Iterable[tuple[str, bytes]]],
    splits: Sequence[str],
    uri: str,
    shard: int,
    shards: int,
) -> dict[str, int]:
    """Writes gzipped TFRecords `Split-<name>/data_tfrecord-<shard>-of-<shards>.gz`.

    A shard appears under its name when it is complete. Writing it again, as Beam does with a
    bundle that failed, gives the same bytes. Without rows for a split its shard is a valid file of
    none.

    Args:
        batches: Serialized examples, in order, each with the split that it goes to.
        splits: Their names.
        uri: The folder of the artifact.
        shard: The number of this shard, from 0.
        shards: The number of shards.

    Returns:
        The number of rows by split.
    """
    rows = dict.fromkeys(splits, 0)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in rows}
        with contextlib.ExitStack() as stack:
            writers = {
                name: stack.enter_context(tf.io.TFRecordWriter(path, _GZIP))
                for name, path in paths.items()
            }
            for batch in batches:
                for name, row in batch:
                    writers[name].write(row)
                    rows[name] += 1
        for name, path in paths.items():
            target = os.path.join(
                f"{SPLIT_PREFIX}{name}", f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
            )
            _publish(path, uri, target)
    return rows


def remove_earlier(uri: str) -> None:
    """Removes the shards of an attempt that did not end: of a changed file it had other numbers."""
    for name in fileio.listdir(uri) if fileio.exists(uri) else []:
        if os.fsdecode(name).startswith(SPLIT_PREFIX):
            fileio.rmtree(os.path.join(uri, os.fsdecode(name)))


def remove_temporary(uri: str) -> None:
    """Removes what attempts that did not end have left."""
    folder = os.path.join(uri, TEMPORARY)
    if fileio.exists(folder):
        fileio.rmtree(folder)


def _publish(path: str, uri: str, target: str) -> None:
    temporary = os.path.join(uri, TEMPORARY, uuid.uuid4().hex)
    for name in (temporary, os.path.join(uri, target)):
        fileio.makedirs(os.path.dirname(name))
    with open(path, "rb") as source, fileio.open(temporary, "wb") as sink:
        shutil.copyfileobj(source, sink)
    fileio.rename(temporary, os.path.join(uri, target), overwrite=True)

"""Writes the rows of one file into one shard of each split, decided by a hash of the row."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import hashlib
import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Mapping

import tensorflow as tf

from components.example_gen.repeats import Repeats
from components.filesystems import fileio

TEMPORARY = ".tmp"  # beside the split folders, all of whose content is read as data
_GZIP = tf.io.TFRecordOptions(compression_type="GZIP")


@dataclasses.dataclass(frozen=True)
class Splits:
    """Cuts rows into splits by their content: a row is in the same split in every run."""

    buckets: Mapping[str, int]

    def names(self, examples: Iterable[bytes]) -> list[str]:
        """The split of each serialized example; equal rows are in the same one."""
        return self.of(map(_hash, examples))

    def of(self, hashes: Iterable[int]) -> list[str]:
        """The split of each row, given its hash."""
        names = list(self.buckets)
        ends = list(itertools.accumulate(self.buckets.values()))
        return [names[bisect.bisect(ends, row % ends[-1])] for row in hashes]


def write_shards(
    examples: Iterable[list[bytes]],
    splits: Splits,
    uri: str,
    shard: int,
    shards: int,
    *,
    repeats: Repeats | None = None,
) -> dict[str, int]:
    """Writes gzipped TFRecords `Split-<name>/data_tfrecord-<shard>-of-<shards>.gz`.

    A shard appears under its name when it is complete. Writing it again, as Beam does with a
    bundle that failed, gives the same bytes. Without rows for a split its shard is a valid file of
    none.

    Args:
        examples: Batches of serialized examples, in order.
        splits: Decides where a row goes.
        uri: The folder of the artifact.
        shard: The number of this shard, from 0.
        shards: The number of shards.
        repeats: Is given the hash of each row, if it is there.

    Returns:
        The number of rows by split.
    """
    rows = dict.fromkeys(splits.buckets, 0)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in rows}
        with contextlib.ExitStack() as stack:
            writers = {
                name: stack.enter_context(tf.io.TFRecordWriter(path, _GZIP))
                for name, path in paths.items()
            }
            for batch in examples:
                hashes = [_hash(row) for row in batch]
                for name, row in zip(splits.of(hashes), batch, strict=True):
                    writers[name].write(row)
                    rows[name] += 1
                if repeats is not None:
                    repeats.add_all(hashes)
        for name, path in paths.items():
            target = os.path.join(f"Split-{name}", f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz")
            _publish(path, uri, target)
    return rows


def remove_temporary(uri: str) -> None:
    """Removes what attempts that did not end have left."""
    folder = os.path.join(uri, TEMPORARY)
    if fileio.exists(folder):
        fileio.rmtree(folder)


def _hash(example: bytes) -> int:
    return int.from_bytes(hashlib.sha256(example).digest())


def _publish(path: str, uri: str, target: str) -> None:
    temporary = os.path.join(uri, TEMPORARY, uuid.uuid4().hex)
    for name in (temporary, os.path.join(uri, target)):
        fileio.makedirs(os.path.dirname(name))
    with open(path, "rb") as source, fileio.open(temporary, "wb") as sink:
        shutil.copyfileobj(source, sink)
    fileio.rename(temporary, os.path.join(uri, target), overwrite=True)

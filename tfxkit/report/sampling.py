"""An even part of a split's rows, for what need not look at all of them."""

from __future__ import annotations

import glob
import os

import tensorflow as tf

from tfxkit.storage.examples_artifact import SPLIT_PREFIX, rows_by_split

_BATCH_ROWS = 4096


def files_of(examples_dir: str, split: str) -> list[str]:
    """The files of a split, in order."""
    return sorted(glob.glob(os.path.join(glob.escape(examples_dir), f"{SPLIT_PREFIX}{split}", "*")))


def sample(examples_dir: str, split: str, most: int) -> tuple[tf.data.Dataset, int]:
    """Takes all rows of a split, or every second, third … over all of its files.

    Args:
        examples_dir: The folder of an `Examples` artifact.
        split: Of its splits.
        most: How many rows at most.

    Returns:
        The rows as serialized `tf.Example`s, and of how many one is taken.
    """
    records = tf.data.TFRecordDataset(files_of(examples_dir, split), compression_type="GZIP")
    total = (rows_by_split(examples_dir) or {}).get(split)
    if total is None:  # written by another ExampleGen
        sizes = records.batch(_BATCH_ROWS).map(lambda batch: tf.size(batch, tf.int64))
        total = int(sizes.reduce(tf.constant(0, tf.int64), tf.add))
    every = max(1, -(-total // most))
    return records.shard(every, 0), every

"""The examples that a model is tried with: the first of a split, as a client would send them."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
from tfx import types
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfxkit.storage.filesystems import fileio


def first_examples(examples: types.Artifact, split: str, count: int) -> list[bytes]:
    """Reads serialized tf.Examples, at most `count`, in the order of the split's files.

    Raises:
        ValueError: If the artifact has no such split.
    """
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(fileio.glob(io_utils.all_files_pattern(folder)))
    compression = "GZIP" if files and files[0].endswith(".gz") else ""
    dataset = tf.data.TFRecordDataset(files, compression_type=compression).take(count)
    return list(dataset.as_numpy_iterator())


def without_features(serialized: bytes, names: Sequence[str]) -> bytes:
    """A tf.Example without some of its features."""
    example = tf.train.Example.FromString(serialized)
    for name in names:
        example.features.feature.pop(name, None)
    return example.SerializeToString(deterministic=True)

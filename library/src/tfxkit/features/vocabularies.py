"""Codes of values by their frequency in the training data, many features in one pass.

One analyzer for all features, not a `tft.vocabulary` each: Beam and TensorFlow take some seconds
for every analyzer, however few the rows. The values of all features are in one file, a line each,
with the name of the feature before them, and one table looks them up. The first line of a feature
has no value, so the table shows where the feature begins.
"""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.transforms import window
from tensorflow_transform.beam.experimental import PTransformAnalyzer

from tfxkit.features.model_inputs import (
    FIRST_WORD_CODE,
    MISSING_CODE,
    UNKNOWN_CODE,
    VOCABULARIES,
)
from tfxkit.storage.filesystems import fileio

_COUNTS_IN_MEMORY = 100_000


@dataclasses.dataclass(frozen=True)
class Limits:
    """The values that a vocabulary keeps.

    Attributes:
        size: Number of values to keep, the most frequent ones; None for all.
        min_count: Minimum number of training rows with the value.
    """

    size: int | None = None
    min_count: int = 1


def codes_of(
    limits: Mapping[str, Limits], values: tf.Tensor, missing: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Replaces values by their codes.

    Args:
        limits: By the name of the feature, without a colon in it: the values that it keeps.
        values: Text of shape [features, batch], in the order of `limits`.
        missing: bool of the same shape.

    Returns:
        Two int64 tensors: the codes, of the same shape; and how many codes each feature has, of
        shape [features]. The most frequent value is `FIRST_WORD_CODE`; of values that are equally
        frequent, the one that sorts last comes first. A value with a line break in it is never
        known.
    """
    prefixes = tf.constant([_prefix(name) for name in limits])[:, tf.newaxis]
    keys = prefixes + values
    (path,) = tft.experimental.ptransform_analyzer(
        [tf.where(missing, "", keys)],
        _Learn({_prefix(name): limit for name, limit in limits.items()}),
        output_dtypes=[tf.string],
        output_shapes=[[]],
        output_asset_default_values=[b"\n".join(_prefix(name) for name in limits)],
    )
    table = tft.apply_vocabulary(tf.concat([prefixes, keys], axis=1), path, default_value=-1)
    lines, first_lines = table[:, 1:], table[:, :1]
    codes = lines - first_lines - 1 + FIRST_WORD_CODE
    codes = tf.where(lines <= first_lines, tf.constant(UNKNOWN_CODE, tf.int64), codes)
    codes = tf.where(missing, tf.constant(MISSING_CODE, tf.int64), codes)
    end = tft.get_num_buckets_for_transformed_feature(table)
    ends = tf.concat([first_lines[1:, 0], [end]], axis=0)
    return codes, ends - first_lines[:, 0] - 1 + FIRST_WORD_CODE


class _Learn(PTransformAnalyzer):
    """Writes the file."""

    def __init__(self, limits: Mapping[bytes, Limits]) -> None:
        super().__init__()
        self._limits = limits

    def expand(self, batches: beam.PCollection[tuple[np.ndarray, ...]]) -> beam.PCollection[str]:
        rarest = {prefix: limits.min_count for prefix, limits in self._limits.items()}
        path = os.path.join(self.base_temp_dir, VOCABULARIES)
        return (
            batches
            | "CountInPart" >> beam.ParDo(_Count())
            | "Count" >> beam.CombinePerKey(sum)
            | "LeaveOutRare" >> beam.Filter(lambda one: one[1] >= rarest[_prefix_of(one[0])])
            | "All" >> beam.combiners.ToList()
            | "Write" >> beam.Map(_write, self._limits, path)
        )


class _Count(beam.DoFn):
    """Counts of each value among the consecutive ones of a worker."""

    def start_bundle(self) -> None:
        self._counts: collections.Counter[bytes] = collections.Counter()

    def process(self, batch: tuple[np.ndarray, ...]) -> Iterator[tuple[bytes, int]]:
        (keys,) = batch
        found = pa.array(keys.ravel(), pa.binary()).value_counts()
        values, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
        self._counts.update(dict(zip(values, counts, strict=True)))
        if len(self._counts) > _COUNTS_IN_MEMORY:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[window.WindowedValue]:
        for one in self._flush():
            yield window.GlobalWindows.windowed_value(one)

    def _flush(self) -> Iterator[tuple[bytes, int]]:
        counts, self._counts = self._counts, collections.Counter()
        for key, count in counts.items():
            if key and b"\n" not in key and b"\r" not in key:  # each is a line of a file
                yield key, count


def _write(counts: Iterable[tuple[bytes, int]], limits: Mapping[bytes, Limits], path: str) -> str:
    """Writes the values of each feature, the most frequent first."""
    found: dict[bytes, list[tuple[int, bytes]]] = {prefix: [] for prefix in limits}
    for key, count in counts:
        if key not in found:  # which is of an empty text
            found[_prefix_of(key)].append((count, key))
    lines = []
    for prefix, limit in limits.items():
        kept = sorted(found[prefix], reverse=True)[: limit.size]
        lines += [prefix, *(key for _, key in kept)]
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    return path


def _prefix(name: str) -> bytes:
    return f"{name}:".encode()


def _prefix_of(key: bytes) -> bytes:
    return key[: key.index(b":") + 1]

"""Codes of values by their frequency in the training data, all columns in one pass.

One analyzer for all columns, not a `tft.vocabulary` each: Beam and TensorFlow take some seconds
for every analyzer, however few the rows. The values of all columns are in one file, a line each,
with the name of the column before them, and one table looks them up. The first line of a column
has no value, so that the table tells where the column begins.
"""

from __future__ import annotations

import collections
import dataclasses
import os
from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.transforms import window
from tensorflow_transform.beam.experimental import PTransformAnalyzer

from tfxkit.config.dataset import Column
from tfxkit.features.model_inputs import (
    FIRST_WORD_CODE,
    MISSING_CODE,
    UNKNOWN_CODE,
    VOCABULARIES,
    code_name,
    vocabulary_prefix,
)
from tfxkit.storage.filesystems import fileio

_COUNTS_IN_MEMORY = 100_000


@dataclasses.dataclass(frozen=True)
class _Asked:
    column: str
    how: Column
    values: tf.Tensor
    missing: tf.Tensor


class Vocabularies:
    """Collects the columns whose values get codes, and then does it."""

    def __init__(self) -> None:
        """Starts with nothing."""
        self._asked: list[_Asked] = []

    def code(self, column: str, how: Column, values: tf.Tensor, missing: tf.Tensor) -> None:
        """Asks for codes of a column, as an int64 feature.

        Args:
            column: Its name; the name of the feature follows from it.
            how: Says which values are kept.
            values: Text of shape [batch].
            missing: bool of shape [batch].
        """
        self._asked.append(_Asked(column, how, values, missing))

    def features(self) -> dict[str, tf.Tensor]:
        """All that was asked for, by name, of shape [batch].

        The most frequent value is `FIRST_WORD_CODE`; of values that are equally frequent, the one
        that sorts last comes first. A value with a line break in it is never known.
        """
        if not self._asked:
            return {}
        keys = tf.stack([tf.strings.join([_prefix(a.column), a.values]) for a in self._asked])
        missing = tf.stack([asked.missing for asked in self._asked])  # [columns, batch]
        prefixes = [_prefix(asked.column) for asked in self._asked]
        (path,) = tft.experimental.ptransform_analyzer(
            [tf.where(missing, "", keys)],
            _Learn([(_prefix(asked.column), asked.how) for asked in self._asked]),
            output_dtypes=[tf.string],
            output_shapes=[[]],
            output_asset_default_values=[b"\n".join(prefixes)],
        )
        both = tf.concat([tf.constant(prefixes)[:, tf.newaxis], keys], axis=1)
        lines = tft.apply_vocabulary(both, path, default_value=-1)
        lines, first_lines = lines[:, 1:], lines[:, :1]
        codes = lines - first_lines - 1 + FIRST_WORD_CODE
        codes = tf.where(lines <= first_lines, tf.constant(UNKNOWN_CODE, tf.int64), codes)
        codes = tf.where(missing, tf.constant(MISSING_CODE, tf.int64), codes)
        names = [code_name(asked.column) for asked in self._asked]
        return dict(zip(names, tf.unstack(codes), strict=True))


class _Learn(PTransformAnalyzer):
    """Writes the file."""

    def __init__(self, columns: list[tuple[bytes, Column]]) -> None:
        super().__init__()
        self._columns = columns

    def expand(self, batches: beam.PCollection[tuple[np.ndarray, ...]]) -> beam.PCollection[str]:
        rarest = {prefix: how.min_count for prefix, how in self._columns}
        path = os.path.join(self.base_temp_dir, VOCABULARIES)
        return (
            batches
            | "CountInPart" >> beam.ParDo(_Count())
            | "Count" >> beam.CombinePerKey(sum)
            | "LeaveOutRare" >> beam.Filter(lambda one: one[1] >= rarest[_prefix_of(one[0])])
            | "All" >> beam.combiners.ToList()
            | "Write" >> beam.Map(_write, self._columns, path)
        )


class _Count(beam.DoFn):
    """How often each value comes among those that one worker sees one after the other."""

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


def _write(
    counts: Iterable[tuple[bytes, int]], columns: list[tuple[bytes, Column]], path: str
) -> str:
    """Writes the values of each column, the most frequent first."""
    found: dict[bytes, list[tuple[int, bytes]]] = {prefix: [] for prefix, _ in columns}
    for key, count in counts:
        if key not in found:  # which is of an empty text
            found[_prefix_of(key)].append((count, key))
    lines = []
    for prefix, how in columns:
        kept = sorted(found[prefix], reverse=True)[: how.vocabulary_size]
        lines += [prefix, *(key for _, key in kept)]
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    return path


def _prefix(column: str) -> bytes:
    return vocabulary_prefix(column).encode()


def _prefix_of(key: bytes) -> bytes:
    return key[: key.index(b":") + 1]

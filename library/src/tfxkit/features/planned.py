"""Features that are planned while `preprocessing_fn` runs and computed when it returns.

A pass over the data takes Beam and TensorFlow a second or more, however few the rows. So features
that need one are collected, and those of a kind are computed in one pass. The vocabularies of all
features are in one file, a line for each value, with the name of the feature before it, and one
table looks them up. The first line of a feature has no value, so the table shows where the feature
begins.
"""

from __future__ import annotations

import abc
import collections
import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.transforms import window
from tensorflow_transform.beam.experimental import PTransformAnalyzer

from tfxkit.errors import ModelError
from tfxkit.features.columns import as_text, first_value
from tfxkit.features.model_inputs import (
    FIRST_WORD_CODE,
    MISSING_CODE,
    MISSING_NUMBER,
    UNKNOWN_CODE,
    VOCABULARIES,
    Kind,
)
from tfxkit.storage.filesystems import fileio

Values = tuple[tf.Tensor, tf.Tensor]  # of shape [batch], and a bool: true where one is missing
_NEXT_TO_NOTHING = 1e-6  # weight of a row
_COUNTS_IN_MEMORY = 100_000


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a vocabulary: the values that it keeps.

    Attributes:
        size: Number of values to keep, the most frequent ones; None for all.
        min_count: Minimum number of training rows with the value.
    """

    size: int | None = None
    min_count: int = 1


def _operator(name: str) -> Callable[..., tf.Tensor]:
    def apply(self: Planned, *others: Any) -> tf.Tensor:
        return getattr(self.tensor, name)(*others)

    return apply


class Planned(abc.ABC):
    """A feature whose kind is known and whose values are computed later.

    TensorFlow accepts it in place of a tensor; it is then computed on its own.

    Attributes:
        kind: The meaning of its values.
        description: Description of its values, in a few words.
        codes: Number of codes, with the one of a missing value; a tensor if the data decide.
        length: Number of values in a row; None for one.
        fixed: True if a code means the same in every run.
        column: Raw column of a feature made by role.
    """

    def __init__(
        self,
        kind: Kind,
        description: str = "",
        *,
        codes: int | tf.Tensor | None = None,
        length: int | None = None,
        fixed: bool = False,
    ) -> None:
        """Plans it."""
        self.kind, self.description = kind, description
        self.codes, self.length, self.fixed = codes, length, fixed
        self.column: str | None = None
        self.computed: tf.Tensor | None = None

    @abc.abstractmethod
    def prepare(self) -> None:
        """Reads the inputs of the feature.

        Raises:
            ModelError: If they do not fit.
        """

    @property
    def tensor(self) -> tf.Tensor:
        """Values; computed on their own if need be."""
        if self.computed is None:
            self.compute()
        return self.computed

    @abc.abstractmethod
    def compute(self) -> None:
        """Computes the values on their own."""

    @abc.abstractmethod
    def sources(self) -> tuple[tf.Tensor, ...]:
        """Tensors that it is computed from, and no other feature takes part in."""

    def __tf_tensor__(self, dtype: tf.DType | None = None, name: str | None = None) -> tf.Tensor:
        """Values as a tensor, for TensorFlow."""
        return tf.convert_to_tensor(self.tensor, dtype, name=name)

    __add__, __radd__ = _operator("__add__"), _operator("__radd__")
    __sub__, __rsub__ = _operator("__sub__"), _operator("__rsub__")
    __mul__, __rmul__ = _operator("__mul__"), _operator("__rmul__")
    __truediv__, __rtruediv__ = _operator("__truediv__"), _operator("__rtruediv__")
    __lt__, __le__ = _operator("__lt__"), _operator("__le__")
    __gt__, __ge__ = _operator("__gt__"), _operator("__ge__")


class Direct(Planned):
    """A feature that needs no pass over the data."""

    def __init__(
        self, values: Callable[[], tf.Tensor], kind: Kind, description: str, **attributes: Any
    ) -> None:
        """Plans it.

        Args:
            values: Computes the feature.
            kind: As for `Planned`, and so are all other arguments.
            description: Description of the values.
            attributes: Further attributes.
        """
        super().__init__(kind, description, **attributes)
        self._values = values

    def prepare(self) -> None:
        """Computes the values, which may fail."""
        _ = self.tensor

    def compute(self) -> None:
        """Computes the values."""
        self.computed = self._values()

    def sources(self) -> tuple[tf.Tensor, ...]:
        """The values themselves."""
        return (self.tensor,)


class Quantile(Planned):
    """Place of a number among the numbers of the training data, as a rank or as a code."""

    def __init__(self, values: Callable[[], Values], buckets: int, *, as_code: bool) -> None:
        """Plans it.

        Args:
            values: Returns numbers, of any type.
            buckets: Number of quantiles.
            as_code: True for the number of the quantile, False for the rank.
        """
        if as_code:
            codes = MISSING_CODE + 1 + buckets
            super().__init__(Kind.CODE, f"quantile, one of {buckets}", codes=codes, fixed=True)
        else:
            super().__init__(Kind.RANK, f"rank among {buckets} quantiles, 0 to 1")
        self.buckets = buckets
        self.values = functools.cache(values)

    def prepare(self) -> None:
        """Reads the numbers."""
        self.values()

    def compute(self) -> None:
        """Computes the values in their own pass."""
        _find_quantiles([self])

    def sources(self) -> tuple[tf.Tensor, ...]:
        """The numbers."""
        return self.values()


class Code(Planned):
    """Code of a value, by its frequency in the training data."""

    def __init__(self, values: Callable[[], Values], limits: Limits) -> None:
        """Plans it.

        Args:
            values: Returns text.
            limits: Limits of the vocabulary.
        """
        super().__init__(Kind.CODE)
        self.limits = limits
        self.values = functools.cache(values)

    def prepare(self) -> None:
        """Reads the texts."""
        self.values()

    def compute(self) -> None:
        """Raises an error, since a vocabulary is stored under the name of its feature."""
        raise ModelError(
            "code() makes a feature, whose values no further computation can use. Use "
            "tft.compute_and_apply_vocabulary() there."
        )

    def sources(self) -> tuple[tf.Tensor, ...]:
        """The texts."""
        return self.values()


def compute(features: Mapping[str, Planned]) -> dict[str, tf.Tensor]:
    """Computes features, those of a kind together.

    Raises:
        ModelError: If a feature, which the message names, cannot be computed from its inputs.
    """
    for name, feature in features.items():
        try:
            feature.prepare()
        except (ModelError, ValueError, TypeError) as error:
            raise ModelError(f"The feature {name!r} cannot be made: {error}") from error
    _find_quantiles(
        [f for f in features.values() if isinstance(f, Quantile) and f.computed is None]
    )
    _look_up({name: f for name, f in features.items() if isinstance(f, Code)})
    return {name: feature.tensor for name, feature in features.items()}


def _find_quantiles(features: Iterable[Quantile]) -> None:
    groups: dict[int, list[Quantile]] = collections.defaultdict(list)
    for feature in dict.fromkeys(features):
        groups[feature.buckets].append(feature)
    for buckets, group in sorted(groups.items()):
        columns = [feature.values() for feature in group]
        values = tf.stack([tf.cast(values, tf.float32) for values, _ in columns])
        missing = tf.stack([missing for _, missing in columns])
        codes, ranks = map(tf.unstack, _places(values, missing, buckets))
        for feature, code, rank in zip(group, codes, ranks, strict=True):
            feature.computed = code if feature.kind is Kind.CODE else rank


def _places(values: tf.Tensor, missing: tf.Tensor, buckets: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Places each value among the quantiles of its column.

    One analyzer serves all columns: Beam and TensorFlow take about a second for every analyzer,
    however few the rows.

    Args:
        values: float32 of shape [columns, batch].
        missing: bool of the same shape. NaN and infinity count as missing, too.
        buckets: Number of parts of a column's range, with equal numbers of rows.

    Returns:
        Two tensors of the same shape: int64, the number of the part from 1 on, or `MISSING_CODE`;
        and float32, the share of training rows with a lower value, 0 to 1, or `MISSING_NUMBER`.
        The latter is linear between two quantiles, so neither outliers nor skew do harm.
    """
    missing |= ~tf.math.is_finite(values)
    boundaries = _boundaries(tf.where(missing, float("nan"), values), buckets)
    above = tf.searchsorted(boundaries, values, side="right")  # boundaries that are not higher
    codes = tf.where(missing, MISSING_CODE, above + MISSING_CODE + 1)
    ranks = tf.where(missing, MISSING_NUMBER, _interpolated(boundaries, values, above))
    return tf.cast(codes, tf.int64), ranks


def _boundaries(values: tf.Tensor, buckets: int) -> tf.Tensor:
    """Quantiles of each column without its NaNs, of shape [columns, buckets - 1].

    tft.quantiles fails on a column without any value (tensorflow-transform 1.21, analyzers.py,
    `QuantilesCombiner.extract_output`), hence a zero that weighs next to nothing.
    """
    rows = tf.transpose(values)
    return tft.quantiles(
        tf.concat([rows, tf.zeros([1, values.shape[0]])], axis=0),
        buckets,
        epsilon=0.1 / buckets,
        weights=tf.concat([tf.ones_like(rows[:, 0]), [_NEXT_TO_NOTHING]], axis=0),
        reduce_instance_dims=False,
    )


def _interpolated(boundaries: tf.Tensor, values: tf.Tensor, above: tf.Tensor) -> tf.Tensor:
    """0 at the lowest boundary and below, 1 at the highest and above, linear in between."""
    last = boundaries.shape[1] - 1
    left = tf.clip_by_value(above - 1, 0, last)
    right = tf.clip_by_value(above, 0, last)
    low = tf.gather(boundaries, left, batch_dims=1)
    high = tf.gather(boundaries, right, batch_dims=1)
    part = tf.math.divide_no_nan(values - low, high - low)
    return (tf.cast(left, tf.float32) + tf.clip_by_value(part, 0.0, 1.0)) / max(last, 1)


def _look_up(features: Mapping[str, Code]) -> None:
    if not features:
        return
    columns = [feature.values() for feature in features.values()]
    values, missing = (tf.stack(part) for part in zip(*columns, strict=True))
    limits = {name: feature.limits for name, feature in features.items()}
    codes, numbers = codes_of(limits, values, missing)
    unstacked = tf.unstack(codes), tf.unstack(numbers, len(features))
    for feature, code, number in zip(features.values(), *unstacked, strict=True):
        feature.computed, feature.codes = code, number


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
        _LearnVocabularies({_prefix(name): limit for name, limit in limits.items()}),
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


class _LearnVocabularies(PTransformAnalyzer):
    """Learns the vocabularies of all features, and writes their file."""

    def __init__(self, limits: Mapping[bytes, Limits]) -> None:
        super().__init__()
        self._limits = limits

    def expand(self, batches: beam.PCollection[tuple[np.ndarray, ...]]) -> beam.PCollection[str]:
        rarest = {prefix: limits.min_count for prefix, limits in self._limits.items()}
        path = os.path.join(self.base_temp_dir, VOCABULARIES)
        return (
            batches
            | "CountInPart" >> beam.ParDo(_CountValues())
            | "Count" >> beam.CombinePerKey(sum)
            | "LeaveOutRare" >> beam.Filter(lambda pair: pair[1] >= rarest[_prefix_of(pair[0])])
            | "All" >> beam.combiners.ToList()
            | "Write" >> beam.Map(_write_vocabularies, self._limits, path)
        )


class _CountValues(beam.DoFn):
    """Counts of each value among the consecutive ones of a worker."""

    def start_bundle(self) -> None:
        self._counts: collections.Counter[bytes] = collections.Counter()

    def process(self, batch: tuple[np.ndarray, ...]) -> Iterator[tuple[bytes, int]]:
        (keys,) = batch
        table = pa.array(keys.ravel(), pa.binary()).value_counts()
        values, counts = table.field("values").to_pylist(), table.field("counts").to_pylist()
        self._counts.update(dict(zip(values, counts, strict=True)))
        if len(self._counts) > _COUNTS_IN_MEMORY:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[window.WindowedValue]:
        for pair in self._flush():
            yield window.GlobalWindows.windowed_value(pair)

    def _flush(self) -> Iterator[tuple[bytes, int]]:
        counts, self._counts = self._counts, collections.Counter()
        for key, count in counts.items():
            if key and b"\n" not in key and b"\r" not in key:  # each is a line of a file
                yield key, count


def _write_vocabularies(
    counts: Iterable[tuple[bytes, int]], limits: Mapping[bytes, Limits], path: str
) -> str:
    """Writes the values of each feature, the most frequent first."""
    ranked: dict[bytes, list[tuple[int, bytes]]] = {prefix: [] for prefix in limits}
    for key, count in counts:
        if key not in ranked:  # a prefix alone stands for an empty text
            ranked[_prefix_of(key)].append((count, key))
    lines = []
    for prefix, limit in limits.items():
        kept = sorted(ranked[prefix], reverse=True)[: limit.size]
        lines += [prefix, *(key for _, key in kept)]
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(b"".join(line + b"\n" for line in lines))
    return path


def _prefix(name: str) -> bytes:
    return f"{name}:".encode()


def _prefix_of(key: bytes) -> bytes:
    return key[: key.index(b":") + 1]


def numbers_of(values: Any) -> Values:
    """Numbers of shape [batch] from a value of the project's code.

    Raises:
        ModelError: If it is text, or not one value a row.
    """
    values, missing = _dense(values)
    if values.dtype == tf.bool:
        return tf.cast(values, tf.float32), missing
    if values.dtype == tf.string:
        raise ModelError("it is text, and this takes numbers. Use code(), hashed() or words().")
    return values, missing


def texts_of(values: Any) -> Values:
    """Text of shape [batch]; numbers as text.

    Raises:
        ModelError: If it is not one value a row.
    """
    values, missing = _dense(values)
    return as_text(tf.cast(values, tf.int64) if values.dtype == tf.bool else values), missing


def _dense(values: Any) -> Values:
    if isinstance(values, tf.RaggedTensor):
        values = values.to_sparse()
    if not isinstance(values, tf.SparseTensor):
        values = tf.convert_to_tensor(values)
        if values.shape.rank != 1 and values.shape[1:] != [1]:
            raise ModelError(f"it has the shape {values.shape}, and this takes one value a row.")
    values, missing = first_value(values)
    if values.dtype.is_floating:
        missing |= ~tf.math.is_finite(values)
    return values, missing

"""Numbers by their place among those of the training data, all columns in one pass.

One analyzer for all columns, not one each: Beam and TensorFlow take about a second for every
analyzer, however few the rows.
"""

from __future__ import annotations

import dataclasses
import itertools

import tensorflow as tf
import tensorflow_transform as tft

from tfxkit.features.model_inputs import MISSING_CODE, MISSING_NUMBER

_NEXT_TO_NOTHING = 1e-6


@dataclasses.dataclass(frozen=True)
class _Asked:
    name: str
    values: tf.Tensor
    missing: tf.Tensor
    buckets: int
    as_code: bool


class Quantiles:
    """Collects what is to be ranked or put into buckets, and then does it."""

    def __init__(self) -> None:
        """Starts with nothing."""
        self._asked: list[_Asked] = []

    def rank(self, name: str, values: tf.Tensor, missing: tf.Tensor, buckets: int) -> None:
        """Asks for the share of training rows with a lower value, 0 to 1, as a float32 feature.

        So neither outliers nor skew do harm. Between two quantiles it is linear.

        Args:
            name: The key of the feature.
            values: float32 of shape [batch].
            missing: bool of shape [batch]; the feature is `MISSING_NUMBER` there.
            buckets: How many parts the range is cut into.
        """
        self._asked.append(_Asked(name, values, missing, buckets, as_code=False))

    def code(self, name: str, values: tf.Tensor, missing: tf.Tensor, buckets: int) -> None:
        """Asks for the number of the bucket as a code; arguments as for `rank`."""
        self._asked.append(_Asked(name, values, missing, buckets, as_code=True))

    def features(self) -> dict[str, tf.Tensor]:
        """All that was asked for, by name, of shape [batch]."""
        features: dict[str, tf.Tensor] = {}
        asked = sorted(self._asked, key=lambda one: one.buckets)
        for buckets, group in itertools.groupby(asked, lambda one: one.buckets):
            features |= _features(list(group), buckets)
        return features


def _features(group: list[_Asked], buckets: int) -> dict[str, tf.Tensor]:
    values = tf.stack([one.values for one in group])  # [columns, batch]
    missing = tf.stack([one.missing for one in group])
    boundaries = _boundaries(tf.where(missing, float("nan"), values), buckets)
    above = tf.searchsorted(boundaries, values, side="right")  # how many boundaries are not higher
    codes = tf.where(missing, MISSING_CODE, above + MISSING_CODE + 1)
    ranks = tf.where(missing, MISSING_NUMBER, _interpolated(boundaries, values, above))
    return {
        one.name: code if one.as_code else rank
        for one, code, rank in zip(
            group, tf.unstack(tf.cast(codes, tf.int64)), tf.unstack(ranks), strict=True
        )
    }


def _boundaries(values: tf.Tensor, buckets: int) -> tf.Tensor:
    """The quantiles of each column without its NaNs, of shape [columns, buckets - 1].

    tft.quantiles fails where a column has no value at all (tensorflow-transform 1.21,
    analyzers.py, `QuantilesCombiner.extract_output`), hence a zero that weighs next to nothing.
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

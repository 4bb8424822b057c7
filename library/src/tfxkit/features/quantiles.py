"""Numbers by their place among those of the training data, many columns in one pass.

One analyzer for all columns, not one each: Beam and TensorFlow take about a second for every
analyzer, however few the rows.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft

from tfxkit.features.model_inputs import MISSING_CODE, MISSING_NUMBER

_NEXT_TO_NOTHING = 1e-6


def places(values: tf.Tensor, missing: tf.Tensor, buckets: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the place of each value among the quantiles of its column.

    Args:
        values: float32 of shape [columns, batch].
        missing: bool of the same shape. NaN and infinity count as missing, too.
        buckets: How many parts the range of a column is cut into, with as many rows each.

    Returns:
        Two tensors of the same shape: int64, the number of the part from 1 on, or `MISSING_CODE`;
        and float32, the share of training rows with a lower value, 0 to 1, or `MISSING_NUMBER`.
        The latter is linear between two quantiles, so neither outliers nor skew do harm.
    """
    missing |= ~tf.math.is_finite(values)
    boundaries = _boundaries(tf.where(missing, float("nan"), values), buckets)
    above = tf.searchsorted(boundaries, values, side="right")  # how many boundaries are not higher
    codes = tf.where(missing, MISSING_CODE, above + MISSING_CODE + 1)
    ranks = tf.where(missing, MISSING_NUMBER, _interpolated(boundaries, values, above))
    return tf.cast(codes, tf.int64), ranks


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

"""Raw columns as dense tensors: one value a row, and whether it is missing."""

from __future__ import annotations

import tensorflow as tf


def first_value(column: tf.SparseTensor | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Takes the first value of each row.

    Args:
        column: As tf.Transform hands it over: sparse where values may be missing, else dense, of
            shape [batch] or [batch, values].

    Returns:
        The values, 0 or "" where missing, and a bool that is true there; both of shape [batch]. NaN
        and the empty text count as missing.
    """
    if isinstance(column, tf.SparseTensor):
        first = tf.sparse.retain(column, column.indices[:, 1] == 0)
        rows, batch = first.indices[:, :1], column.dense_shape[:1]
        values = tf.scatter_nd(rows, first.values, batch)
        missing = ~tf.scatter_nd(rows, tf.ones_like(rows[:, 0], tf.bool), batch)
    else:
        values = column if column.shape.rank == 1 else column[:, 0]
        missing = tf.zeros_like(values, tf.bool)
    if values.dtype == tf.string:
        missing |= values == ""
    elif values.dtype.is_floating:
        missing |= tf.math.is_nan(values)
        values = tf.where(missing, tf.zeros_like(values), values)
    return values, missing


def as_text(values: tf.Tensor) -> tf.Tensor:
    """Numbers as text, 8.0 as "8"; text as it is."""
    if values.dtype == tf.string:
        return values
    if values.dtype.is_floating:
        return tf.strings.as_string(values, shortest=True)
    return tf.strings.as_string(values)

"""Label of each row, as TensorFlow operations inside the Transform graph."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from tfxkit.config.dataset import Dataset, Label, Task
from tfxkit.errors import DataError
from tfxkit.features.columns import as_text, first_value

__all__ = ["LABEL_KEY", "NO_LABEL"]

LABEL_KEY = "transformed.label"  # no feature can have this name: see model_inputs.part_name
"""Key of the label among the transformed features."""
NO_LABEL = -1
"""The class of a row without a label; a missing number is NaN."""

# Inputs are float32: 1.17 is not above a fifth of 5.85, but 1.17f is above 0.2f * 5.85f.
_ROUNDING = 1e-6


def make_label(dataset: Dataset, inputs: Mapping[str, tf.SparseTensor | tf.Tensor]) -> tf.Tensor:
    """Derives the label of each row.

    Args:
        dataset: Definition of the label.
        inputs: The raw columns.

    Returns:
        Of shape [batch]. Binary and multiclass: int64 class or `NO_LABEL`. Regression: float32, NaN
        where there is none.

    Raises:
        DataError: If a column is missing, or has a type that does not fit.
    """
    label = dataset.label
    for column in (label.column, label.times):
        if column is not None and column not in inputs:
            raise DataError(f"The label needs the column {column!r}; the schema has no such column")
    if label.greater_than is not None:
        return _greater(label, inputs)
    values, missing = first_value(inputs[label.column])
    if label.positive is not None:
        classes = tf.cast(as_text(values) == label.positive, tf.int64)
        return tf.where(missing, tf.constant(NO_LABEL, tf.int64), classes)
    if dataset.task is Task.MULTICLASS:
        return tf.where(missing, tf.constant(NO_LABEL, tf.int64), _class_index(label, values))
    if values.dtype == tf.string:
        raise DataError(
            f"The label's column {label.column!r} is text: for the task {dataset.task} it must be "
            "numbers, or dataset.yaml must say which value is positive (label.positive)"
        )
    if dataset.task is Task.REGRESSION:
        return tf.where(missing, float("nan"), tf.cast(values, tf.float32))
    valid = ~missing & ((values == 0) | (values == 1))
    return tf.where(valid, tf.cast(values, tf.int64), tf.constant(NO_LABEL, tf.int64))


def _greater(label: Label, inputs: Mapping[str, tf.SparseTensor | tf.Tensor]) -> tf.Tensor:
    values, missing = first_value(inputs[label.column])
    bound = tf.constant(label.greater_than, tf.float64)
    if label.times is not None:
        times, times_missing = first_value(inputs[label.times])
        bound *= tf.cast(times, tf.float64)
        missing |= times_missing
    greater = tf.cast(values, tf.float64) - bound > _ROUNDING * tf.abs(bound)
    return tf.cast(greater & ~missing, tf.int64)


def _class_index(label: Label, values: tf.Tensor) -> tf.Tensor:
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(label.classes), tf.range(len(label.classes), dtype=tf.int64)
        ),
        default_value=NO_LABEL,
    )
    return table.lookup(as_text(values))

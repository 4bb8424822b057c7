"""Label of each row, as TensorFlow operations inside the Transform graph; values outside of it."""

from __future__ import annotations

import collections
import difflib
import unicodedata
from collections.abc import Collection, Mapping

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.dataset import Dataset, Label, Task
from tfxkit.errors import DataError
from tfxkit.features.columns import as_text, first_value

__all__ = ["LABEL_KEY", "NO_LABEL", "UNKNOWN_LABEL"]

LABEL_KEY = "transformed.label"  # no feature can have this name: see model_inputs.part_name
"""Key of the label among the transformed features."""
NO_LABEL = -1
"""The class of a row without a label; a missing number is NaN."""
UNKNOWN_LABEL = -2
"""The class of a row whose label is outside of `Dataset.label_values`."""

TYPES = {schema_pb2.INT: tf.int64, schema_pb2.FLOAT: tf.float32, schema_pb2.BYTES: tf.string}
"""Types of values in raw examples, by the types of the schema."""

# Inputs are float32: 1.17 is not above a fifth of 5.85, but 1.17f is above 0.2f * 5.85f.
_ROUNDING = 1e-6
_BATCH_ROWS = 4096
_MOST_SHOWN = 10


def make_label(dataset: Dataset, inputs: Mapping[str, tf.SparseTensor | tf.Tensor]) -> tf.Tensor:
    """Derives the label of each row.

    Args:
        dataset: Definition of the label.
        inputs: The raw columns.

    Returns:
        Of shape [batch]. Binary and multiclass: int64 class, `NO_LABEL` or `UNKNOWN_LABEL`.
        Regression: float32, NaN where there is none.

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
        text = as_text(values)
        classes = tf.cast(text == label.positive, tf.int64)
        if label.negative is not None:
            unknown = tf.constant(UNKNOWN_LABEL, tf.int64)
            classes = tf.where((classes == 1) | (text == label.negative), classes, unknown)
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
    valid = (values == 0) | (values == 1)
    classes = tf.where(valid, tf.cast(values, tf.int64), tf.constant(UNKNOWN_LABEL, tf.int64))
    return tf.where(missing, tf.constant(NO_LABEL, tf.int64), classes)


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
        default_value=UNKNOWN_LABEL,
    )
    return table.lookup(as_text(values))


def count_values(files: Collection[str], column: str, dtype: tf.DType) -> collections.Counter[str]:
    """Counts the values of a column, as text; a missing value does not count.

    Args:
        files: Files with serialized raw examples.
        column: Name of the column.
        dtype: Type of its values in the examples.
    """
    spec = {column: tf.io.VarLenFeature(dtype)}
    counts: collections.Counter[str] = collections.Counter()
    for file in files:
        compression = "GZIP" if file.endswith(".gz") else ""
        rows = tf.data.TFRecordDataset([file], compression_type=compression)
        for batch in rows.batch(_BATCH_ROWS):
            values, missing = first_value(tf.io.parse_example(batch, spec)[column])
            texts = as_text(values).numpy()[~missing.numpy()]
            for text, count in zip(*np.unique(texts, return_counts=True), strict=True):
                counts[text.decode(errors="replace")] += int(count)
    return counts


def describe_unknown(counts: Mapping[str, int], known: Collection[str]) -> str:
    """Lists values outside a domain, each with its rows and the nearest value of the domain."""
    by_rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [
        f"{value!r} ({count:,} {'row' if count == 1 else 'rows'}{_nearest(value, known)})"
        for value, count in by_rows[:_MOST_SHOWN]
    ]
    if len(by_rows) > _MOST_SHOWN:
        parts.append(f"{len(by_rows) - _MOST_SHOWN:,} more")
    return ", ".join(parts)


def _nearest(value: str, known: Collection[str]) -> str:
    for each in known:
        if _folded(each) == _folded(value):
            return f", another spelling of {each!r}"
    near = difflib.get_close_matches(value, known, 1) if value.isalpha() else []
    return f", similar to {near[0]!r}" if near else ""


def _folded(value: str) -> str | float:
    """Value without case, surrounding blanks and typographic variants; a number as a number."""
    text = unicodedata.normalize("NFKC", value).strip().casefold()
    try:
        return float(text)
    except ValueError:
        return text

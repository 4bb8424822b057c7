"""From raw columns to features, as the role of each column says: the `preprocessing_fn`.

What it does with a row becomes part of the exported model, so training and serving cannot differ.
Whole passes over the data happen in `tfxkit.features.quantiles` and `vocabularies` only.

A row comes out the same to the last bit in whatever batch it is, or the same data would train
another model each time: so no logarithms, sines or exponentials here. What TensorFlow computes of
them depends on a value's place in the batch (2.21, on a CPU with vector instructions), and each
step takes batches of another size. Ranks need none: heavy tails do not trouble them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfxkit.config.dataset import TICKS_PER_SECOND, Column, Dataset, Role
from tfxkit.errors import DataError
from tfxkit.features.columns import as_text, first_values
from tfxkit.features.dates import seconds_of_text
from tfxkit.features.label import LABEL_KEY, make_label
from tfxkit.features.model_inputs import (
    MISSING_CODE,
    MISSING_NUMBER,
    buckets,
    code_name,
    part_name,
    rank_name,
    words_name,
)
from tfxkit.features.quantiles import Quantiles
from tfxkit.features.text import word_codes
from tfxkit.features.vocabularies import Vocabularies

Features = dict[str, tf.Tensor]

_DAY_S = 24 * 60 * 60
_CYCLES_S = {"time_of_day": _DAY_S, "time_of_week": 7 * _DAY_S, "time_of_year": 365.2425 * _DAY_S}


def preprocessing_fn(
    inputs: Mapping[str, tf.SparseTensor | tf.Tensor], custom_config: Mapping[str, Any]
) -> Features:
    """Builds the graph from raw columns to features; tf.Transform learns what it needs of the data.

    Args:
        inputs: The raw columns of the schema.
        custom_config: `dataset`: a `Dataset`, as `Dataset.for_model` gives it.

    Returns:
        The features that `model_features` lists, and the label under `LABEL_KEY`; all of shape [batch], but for texts: [batch, codes].

    Raises:
        DataError: If a column is not in the schema or has a type that does not fit its role.
    """
    dataset = Dataset.model_validate(custom_config["dataset"])
    outputs = {LABEL_KEY: make_label(dataset, inputs)}
    quantiles, vocabularies = Quantiles(), Vocabularies()
    features = dataset.features()
    for column in features:
        if column not in inputs:
            raise DataError(
                f"dataset.yaml describes the column {column!r}, which the schema does not have: "
                "remove it there, or add it to the schema"
            )
    for column, first in first_values({column: inputs[column] for column in features}).items():
        how = features[column]
        values, missing = _typed(column, how, *first)
        match how.role:
            case Role.NUMERIC:
                quantiles.rank(rank_name(column), values, missing, buckets(how))
            case Role.BUCKETIZED:
                quantiles.code(code_name(column), values, missing, buckets(how))
            case Role.CATEGORICAL:
                vocabularies.code(column, how, values, missing)
            case Role.HASHED:
                outputs[code_name(column)] = _hashed(how, values, missing)
            case Role.TEXT:
                outputs[words_name(column)] = word_codes(values, buckets(how))
            case Role.TIMESTAMP:
                seconds, no_time = _seconds(how, values)
                missing |= no_time
                trend = part_name(column, "trend")
                quantiles.rank(trend, tf.cast(seconds, tf.float32), missing, buckets(how))
                outputs |= _phases(column, seconds, missing)
    return outputs | vocabularies.features() | quantiles.features()


def _typed(
    column: str, how: Column, values: tf.Tensor, missing: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Text for the roles that take values as names, numbers for the others; gaps filled."""
    if how.role in (Role.CATEGORICAL, Role.HASHED, Role.TEXT):
        values = as_text(values)
    elif how.role is Role.TIMESTAMP and how.unit == "text":
        if values.dtype != tf.string:
            raise DataError(
                f"The column {column!r} is numbers, not dates in text: give its unit in "
                "dataset.yaml (s, ms, us or ns), or correct its type in the schema"
            )
    elif values.dtype == tf.string:
        raise DataError(
            f"The column {column!r} is text, which the role {how.role} cannot use: choose "
            "categorical, hashed, text or (for dates) timestamp with unit: text in dataset.yaml, "
            "or correct its type in the schema"
        )
    elif how.role is not Role.TIMESTAMP:  # whose seconds float32 cannot hold
        values = tf.cast(values, tf.float32)
    if how.fill is None:
        return values, missing
    fill = str(how.fill) if values.dtype == tf.string else how.fill
    return tf.where(missing, tf.constant(fill, values.dtype), values), tf.zeros_like(missing)


def _hashed(how: Column, values: tf.Tensor, missing: tf.Tensor) -> tf.Tensor:
    codes = tf.strings.to_hash_bucket_fast(values, buckets(how)) + MISSING_CODE + 1
    return _coded(codes, missing)


def _seconds(how: Column, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Seconds since 1970, float64, and where there are none."""
    if how.unit == "text":
        return seconds_of_text(values, how.order)
    seconds = tf.cast(values, tf.float64) / TICKS_PER_SECOND[how.unit]
    return seconds, tf.zeros_like(seconds, tf.bool)


def _phases(column: str, seconds: tf.Tensor, missing: tf.Tensor) -> Features:
    """How far through the day, the week and the year, 0 to 1."""
    phases = {}
    for part, length in _CYCLES_S.items():
        phase = tf.cast(tf.math.floormod(seconds, length) / length, tf.float32)
        phases[part_name(column, part)] = tf.where(missing, MISSING_NUMBER, phase)
    return phases


def _coded(codes: tf.Tensor, missing: tf.Tensor) -> tf.Tensor:
    return tf.where(missing, tf.constant(MISSING_CODE, tf.int64), tf.cast(codes, tf.int64))

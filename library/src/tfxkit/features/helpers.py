"""Features of columns: one for each role in dataset.yaml, and a function for each kind.

    from tfxkit.features.helpers import by_role, rank
    from tfxkit.features.preprocessing import preprocessing

    @preprocessing
    def preprocessing_fn(inputs, custom_config):
        features = by_role(inputs, Dataset.model_validate(custom_config["dataset"]))
        features["fare_per_mile"] = rank(inputs["fare"] / inputs["trip_miles"])
        return features

A number that is NaN or infinite, and an empty text, count as missing; each function says what
becomes of them. Every function takes a tensor of shape [batch]. The features it returns are learned
from the training data in one pass for all of a kind, when `preprocessing_fn` has returned. Other
arguments are checked at once: a wrong one is a ModelError with the values that it may have.

A row comes out the same to the last bit in whatever batch it is, or the same data would train
another model each time: so no helper uses logarithms, sines or exponentials. Their values in
TensorFlow depend on the place in the batch (2.21, on a CPU with vector instructions), and each step
takes batches of another size. Ranks need none: heavy tails do not trouble them.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfxkit.config.dataset import (
    CYCLES_S,
    TICKS_PER_SECOND,
    Column,
    Dataset,
    DateOrder,
    DatePart,
    Role,
)
from tfxkit.errors import DataError, ModelError
from tfxkit.features import columns, text
from tfxkit.features.columns import Columns
from tfxkit.features.model_inputs import MISSING_CODE, MISSING_NUMBER, Kind, part_name
from tfxkit.features.planned import (
    Code,
    Direct,
    Limits,
    Planned,
    Quantile,
    Values,
    numbers_of,
    texts_of,
)
from tfxkit.features.preprocessing import Features

__all__ = [
    "as_text",
    "bucketized",
    "by_role",
    "code",
    "date_parts",
    "filled",
    "hashed",
    "is_missing",
    "number",
    "rank",
    "words",
]

RANK_BUCKETS, BUCKETS, HASH_BUCKETS, WORD_BUCKETS = 64, 10, 100, 4096


def rank(values: tf.Tensor, buckets: int = RANK_BUCKETS) -> Planned:
    """Share of training rows with a lower value, 0 to 1; missing is -1.

    The best choice for most numbers: neither outliers nor skew do harm.

    Args:
        values: Numbers.
        buckets: Number of quantiles of the training data; linear between two of them.
    """
    _check_count("rank", "buckets", buckets)
    return Quantile(lambda: numbers_of(values), buckets, as_code=False)


def bucketized(values: tf.Tensor, buckets: int = BUCKETS) -> Planned:
    """Quantile of a number, as a code from 1 on; missing is 0.

    Args:
        values: Numbers.
        buckets: Number of quantiles, with equally many training rows each.
    """
    _check_count("bucketized", "buckets", buckets)
    return Quantile(lambda: numbers_of(values), buckets, as_code=True)


def number(values: tf.Tensor, missing: float = 0.0) -> Planned:
    """Number as it is, as float32.

    The network sees it in its own unit: scale it before, for example to about -1 to 1.

    Args:
        values: Numbers.
        missing: Replacement of a missing value.
    """
    if not (isinstance(missing, numbers.Real) and math.isfinite(missing)):
        raise ModelError(f"number() takes a finite number for missing, not {missing!r}.")

    def compute() -> tf.Tensor:
        exact, gaps = numbers_of(values)
        known = tf.cast(exact, tf.float32)
        return tf.where(gaps | ~tf.math.is_finite(known), tf.constant(missing, tf.float32), known)

    return Direct(compute, Kind.NUMBER, "number")


def code(values: tf.Tensor, vocabulary_size: int | None = None, min_count: int = 1) -> Planned:
    """Code of a value by its frequency in the training data, learned as a vocabulary.

    Missing is 0, a value out of vocabulary 1, the most frequent value 2.

    Args:
        values: Text, or numbers that are names.
        vocabulary_size: Keep the most frequent values only.
        min_count: Values in fewer training rows are out of vocabulary.
    """
    if vocabulary_size is not None:
        _check_count("code", "vocabulary_size", vocabulary_size, least=1)
    _check_count("code", "min_count", min_count, least=1)
    return Code(lambda: texts_of(values), Limits(vocabulary_size, min_count))


def hashed(values: tf.Tensor, buckets: int = HASH_BUCKETS) -> Planned:
    """Hash of a value as a code from 1 on, for values too many for a vocabulary; missing is 0.

    Args:
        values: Text, or numbers that are names.
        buckets: Number of codes; values share them.
    """
    _check_count("hashed", "buckets", buckets)
    return _hashed(lambda: texts_of(values), buckets)


def words(values: tf.Tensor, buckets: int = WORD_BUCKETS) -> Planned:
    """First 100 words of a text and pairs of neighbours among them, as hashed codes.

    Args:
        values: Text; an empty one has no words.
        buckets: Number of codes; words share them.
    """
    _check_count("words", "buckets", buckets)
    return _words(lambda: texts_of(values), buckets)


def date_parts(
    values: tf.Tensor,
    unit: str = "s",
    order: DateOrder | str = DateOrder.YMD,
    parts: Sequence[DatePart | str] = tuple(DatePart),
) -> dict[str, Planned]:
    """Features of a time: its rank, and its position in day, week and year.

    `features["pickup"] = date_parts(…)` makes `pickup.trend`, `pickup.time_of_day`,
    `pickup.time_of_week` and `pickup.time_of_year`. All are 0 to 1; missing is -1, and so is text
    that is no date.

    Args:
        values: Numbers, or text as `tfxkit.features.text.seconds_of_text` reads it.
        unit: Unit of numbers since 1970-01-01 UTC: s, ms, us or ns. Without effect on text.
        order: Of year, month and day in text: ymd, dmy or mdy.
        parts: Features to make: trend, time_of_day, time_of_week and time_of_year.
    """
    is_text = getattr(values, "dtype", None) == tf.string
    _check_choice("date_parts", "unit", unit, [*TICKS_PER_SECOND, *(["text"] if is_text else [])])
    _check_choice("date_parts", "order", order, list(DateOrder))
    for part in parts:
        _check_choice("date_parts", "parts", part, list(DatePart))
    convert = texts_of if is_text else numbers_of
    unit = "text" if is_text else unit
    made = [DatePart(part) for part in parts]
    return _date_parts(lambda: convert(values), unit, DateOrder(order), made)


def _check_count(helper: str, argument: str, count: Any, least: int = 2) -> None:
    if not isinstance(count, numbers.Integral) or count < least:
        raise ModelError(
            f"{helper}() takes a whole number from {least} on for {argument}, not {count!r}."
        )


def _check_choice(helper: str, argument: str, choice: str, allowed: Sequence[str]) -> None:
    if choice not in allowed:
        raise ModelError(
            f"{helper}() takes {', '.join(allowed[:-1])} or {allowed[-1]} for {argument}, "
            f"not {choice!r}."
        )


def as_text(values: tf.Tensor) -> tf.Tensor:
    """Numbers as text, 8.0 as "8" and a missing one as ""; text as it is."""
    texts, missing = texts_of(values)
    return tf.where(missing, "", texts)


def is_missing(values: tf.Tensor) -> tf.Tensor:
    """True where a number is NaN or infinite, and where a text is empty."""
    values = tf.convert_to_tensor(values)
    if values.dtype == tf.string:
        return values == ""
    if values.dtype.is_floating:
        return ~tf.math.is_finite(values)
    return tf.zeros_like(values, tf.bool)


def filled(values: tf.Tensor, fill: float | str) -> tf.Tensor:
    """Values, with another one where they are missing."""
    values = tf.convert_to_tensor(values)
    return tf.where(is_missing(values), tf.constant(fill, values.dtype), values)


def by_role(inputs: Columns, dataset: Dataset) -> Features:
    """Features of all columns that have a role in dataset.yaml.

    Args:
        inputs: The raw columns.
        dataset: Gives each column its role.

    Returns:
        By name: `<column>.rank`, `.code`, `.words`, or `.trend` and `.time_of_day`, `_week` and
        `_year`. Characters of a column's name other than letters, digits and underscores are
        written as in `tfxkit.features.model_inputs.safe_name`.

    Raises:
        DataError: If a column is not in the schema, or has a type that does not fit its role.
    """
    described = dataset.features()
    for column in described:
        if column not in inputs.names:
            raise DataError(
                f"dataset.yaml describes the column {column!r}, which the schema does not have. "
                "Remove it there, or add it to the schema."
            )
    features = Features()
    for column, first in inputs.first_values(described).items():
        options = described[column]
        values = _typed(column, options, *first)
        for part, feature in _parts(options, lambda values=values: values).items():  # type: ignore[misc]
            feature.column = column
            features[part_name(column, part)] = feature
    return features


def _parts(options: Column, values: Callable[[], Values]) -> Mapping[str, Planned]:
    match options.role:
        case Role.NUMERIC:
            return {"rank": Quantile(values, options.buckets or RANK_BUCKETS, as_code=False)}
        case Role.BUCKETIZED:
            return {"code": Quantile(values, options.buckets or BUCKETS, as_code=True)}
        case Role.CATEGORICAL:
            return {"code": Code(values, Limits(options.vocabulary_size, options.min_count))}
        case Role.HASHED:
            return {"code": _hashed(values, options.buckets or HASH_BUCKETS)}
        case Role.TEXT:
            return {"words": _words(values, options.buckets or WORD_BUCKETS)}
        case Role.TIMESTAMP:
            return _date_parts(values, options.unit, options.order, options.parts)
    raise AssertionError(options.role)


def _typed(column: str, options: Column, values: tf.Tensor, missing: tf.Tensor) -> Values:
    """Text for the roles that take values as names, numbers for the others; gaps filled."""
    if options.role in (Role.CATEGORICAL, Role.HASHED, Role.TEXT):
        values = columns.as_text(values)
    elif options.role is Role.TIMESTAMP and options.unit == "text":
        if values.dtype != tf.string:
            raise DataError(
                f"The column {column!r} is numbers, not dates in text. Give its unit in "
                "dataset.yaml (s, ms, us or ns), or correct its type in the schema."
            )
    elif values.dtype == tf.string:
        raise DataError(
            f"The column {column!r} is text, which the role {options.role} cannot use. Choose "
            "categorical, hashed, text or (for dates) timestamp with unit: text in dataset.yaml, "
            "or correct its type in the schema."
        )
    elif options.role is not Role.TIMESTAMP:  # whose seconds float32 cannot hold
        values = tf.cast(values, tf.float32)
    if options.fill is None:
        return values, missing
    fill = str(options.fill) if values.dtype == tf.string else options.fill
    return tf.where(missing, tf.constant(fill, values.dtype), values), tf.zeros_like(missing)


def _hashed(values: Callable[[], Values], buckets: int) -> Planned:
    def compute() -> tf.Tensor:
        texts, missing = values()
        codes = tf.strings.to_hash_bucket_fast(texts, buckets) + MISSING_CODE + 1
        return tf.where(missing, tf.constant(MISSING_CODE, tf.int64), codes)

    codes = MISSING_CODE + 1 + buckets
    return Direct(compute, Kind.CODE, f"hash bucket, one of {buckets:,}", codes=codes, fixed=True)


def _words(values: Callable[[], Values], buckets: int) -> Planned:
    codes, length = MISSING_CODE + 1 + buckets, text.TERMS
    return Direct(
        lambda: text.word_codes(values()[0], buckets),
        Kind.CODES,
        f"up to {length} codes of words and pairs, of {codes:,}",
        codes=codes,
        length=length,
        fixed=True,
    )


def _date_parts(
    values: Callable[[], Values], unit: str, order: DateOrder, parts: Sequence[DatePart]
) -> dict[str, Planned]:
    @functools.cache
    def seconds() -> Values:
        times, missing = values()
        if unit == "text":
            since, no_date = text.seconds_of_text(times, order)
            return since, missing | no_date
        return tf.cast(times, tf.float64) / TICKS_PER_SECOND[unit], missing

    def phase(length: float) -> tf.Tensor:
        since, missing = seconds()
        part = tf.cast(tf.math.floormod(since, length) / length, tf.float32)
        return tf.where(missing, MISSING_NUMBER, part)

    features: dict[str, Planned] = {}
    for part in DatePart:
        if part not in parts:
            continue
        if part is DatePart.TREND:
            features[str(part)] = Quantile(seconds, RANK_BUCKETS, as_code=False)
        else:
            compute: Any = functools.partial(phase, CYCLES_S[part])
            features[str(part)] = Direct(compute, Kind.RANK, "how far through it, 0 to 1")
    return features

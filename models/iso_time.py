"""Dates and times as text, in ISO 8601, as seconds since 1970; inside of the Transform graph.

Whole numbers only, but for fractions of a second: so each row comes out the same in every batch.
"""

from __future__ import annotations

import tensorflow as tf

_DATE = r"(\d{4})-(\d{2})(?:-(\d{2}))?"
_TIME = r"[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?"
_ZONE = r" ?(?:Z|UTC|([+-]\d{2}):?(\d{2})?)"
_PATTERN = rf"^\s*{_DATE}(?:{_TIME}(?:{_ZONE})?)?\s*$"
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_HOURS, _MINUTES, _SECONDS = 24, 60, 61  # one more for a leap second
_YEAR_ONE = "0001-01-01"  # stands in where there is no date


def seconds_of_text(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Parses dates (2024-02, 2024-02-29) and times (2024-02-29 18:30, T18:30:05.5+01:00).

    Args:
        texts: Of shape [batch].

    Returns:
        Seconds since 1970-01-01 UTC, float64, and a bool that is true where the text is no such
        date; both of shape [batch]. Without an offset from UTC a time counts as UTC, a date as its
        midnight; without a day it is the first one.
    """
    shaped = tf.strings.regex_full_match(texts, _PATTERN)
    texts = tf.where(shaped, texts, _YEAR_ONE)
    year, month, day = _group(texts, 1), _group(texts, 2), _group(texts, 3, absent="1")
    hour, minute, second = (_group(texts, number) for number in (4, 5, 6))
    east, minutes_east = _group(texts, 8), _group(texts, 9)
    west = tf.strings.regex_full_match(texts, rf"\s*{_DATE}{_TIME} ?-.*")
    offset = 60 * east + tf.where(west, -minutes_east, minutes_east)
    valid = (
        shaped
        & (month >= 1)
        & (month <= len(_MONTH_DAYS))
        & (day >= 1)
        & (day <= _days_of_month(year, month))
        & (hour < _HOURS)
        & (minute < _MINUTES)
        & (second < _SECONDS)
    )
    whole = ((_days(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second
    fraction = tf.strings.to_number(tf.strings.regex_replace(texts, _PATTERN, r"0.\7"), tf.float64)
    return tf.cast(whole, tf.float64) + fraction, ~valid


def _group(texts: tf.Tensor, number: int, absent: str = "0") -> tf.Tensor:
    part = tf.strings.regex_replace(texts, _PATTERN, rf"\{number}")
    return tf.strings.to_number(tf.where(part == "", absent, part), tf.int64)


def _days(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Days from 1970-01-01, by years that begin in March: so a leap day is the last of its year."""
    year -= tf.cast(month <= _FEBRUARY, tf.int64)
    month = (month + 9) % 12  # 0 is March
    # 153 days in five months from March or August on: 31, 30, 31, 30, 31.
    day_of_year = (153 * month + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + day_of_year - 719_468


def _days_of_month(year: tf.Tensor, month: tf.Tensor) -> tf.Tensor:
    days = tf.gather(tf.constant(_MONTH_DAYS, tf.int64), tf.clip_by_value(month, 1, 12) - 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return days + tf.cast(leap & (month == _FEBRUARY), tf.int64)

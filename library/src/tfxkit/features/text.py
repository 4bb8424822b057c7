"""Text inside the Transform graph: words as hashed codes, dates as seconds since 1970.

Dates are computed with whole numbers, except fractions of a second: so a row gives the same result
in every batch.
"""

from __future__ import annotations

import tensorflow as tf

from tfxkit.config.dataset import DateOrder
from tfxkit.features.model_inputs import MISSING_CODE

WORDS = 100  # of a text; those that follow are left out
TERMS = 2 * WORDS - 1  # with the pairs of neighbours

# Separators of words; Chinese and Japanese have no spaces, so each character is a word.
_BETWEEN_WORDS = r"[^\pL\pM\pN]+"
_WORD_BY_ITSELF = r"([\p{Han}\p{Hiragana}\p{Katakana}])"

_BETWEEN = r"(?:[-/.] ?|,? )"
_MONTH = r"(\d{1,2}|[A-Za-z]{3,9}\.?)"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(\d{4}|\d{2})"
_DATES = {
    DateOrder.YMD: rf"(\d{{4}}){_BETWEEN}{_MONTH}(?:{_BETWEEN}{_DAY})?",
    DateOrder.DMY: rf"{_DAY}{_BETWEEN}{_MONTH}{_BETWEEN}{_YEAR}",
    DateOrder.MDY: rf"{_MONTH}{_BETWEEN}{_DAY}{_BETWEEN}{_YEAR}",
}
_TIME = r"(?:T|,? )(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?"
_HALF_DAY = r"(?: ?([AaPp])\.?[Mm]\.?)?"
_ZONE = r" ?(?:Z|UTC|GMT|([+-]\d{2}(?::?\d{2})?))"
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2
_HOURS, _MINUTES, _SECONDS = 24, 60, 61  # one more for a leap second
_HALF_DAY_HOURS = 12
_LAST_OF_2000S = 68  # 69 is 1969: where POSIX parts the centuries
_NO_DATE = {DateOrder.YMD: "0001-01-01", DateOrder.DMY: "01/01/0001", DateOrder.MDY: "01/01/0001"}


def word_codes(texts: tf.Tensor, buckets: int) -> tf.Tensor:
    """Hashes the first `WORDS` words of each text, in lower case, and the pairs among them.

    Args:
        texts: Of shape [batch].
        buckets: Number of codes, besides that of no word.

    Returns:
        int64 of shape [batch, 2 * WORDS - 1]: first the words, then the pairs, each part filled up
        with `MISSING_CODE`.
    """
    texts = tf.strings.lower(texts, encoding="utf-8")
    texts = tf.strings.regex_replace(texts, _WORD_BY_ITSELF, r" \1 ")
    texts = tf.strings.strip(tf.strings.regex_replace(texts, _BETWEEN_WORDS, " "))
    words = tf.strings.split(texts, sep=" ").to_tensor("", shape=[None, WORDS])
    second = words[:, 1:]
    pairs = tf.strings.join([words[:, :-1], second], separator=" ")
    terms = tf.concat([words, pairs], axis=1)
    present = tf.concat([words, second], axis=1) != ""
    codes = tf.strings.to_hash_bucket_fast(terms, buckets) + MISSING_CODE + 1
    return tf.where(present, codes, tf.constant(MISSING_CODE, tf.int64))


def seconds_of_text(
    texts: tf.Tensor, order: DateOrder = DateOrder.YMD
) -> tuple[tf.Tensor, tf.Tensor]:
    """Parses dates, with or without a time.

    Args:
        texts: Of shape [batch]. In the order YMD: ISO 8601 (2024-02, 2024-02-29, 2024-02-29 18:30,
            2024-02-29T18:30:05.5+01:00), and 2024/2/29. DMY: 29/02/2024, 29.2.24 18:30,
            29 Feb 2024. MDY: 02/29/2024 06:30:05 PM, Feb 29, 2024. Months may be named in English.
        order: Of year, month and day.

    Returns:
        Seconds since 1970-01-01 UTC, float64, and a bool that is true where the text is no such
        date; both of shape [batch]. Without an offset from UTC a time counts as UTC, a date as its
        midnight; without a day it is the first one. Two digits of a year are 1969 to 2068.
    """
    pattern = rf"^\s*{_DATES[order]}(?:{_TIME}{_HALF_DAY}(?:{_ZONE})?)?\s*$"
    shaped = tf.strings.regex_full_match(texts, pattern)
    texts = tf.where(shaped, texts, _NO_DATE[order])

    def group(number: int) -> tf.Tensor:
        return tf.strings.regex_replace(texts, pattern, rf"\{number}")

    groups = {part: group(number) for number, part in enumerate(order, start=1)}
    year = _year(groups["y"])
    month, day = _month(groups["m"]), _number(groups["d"], absent="1")
    hour, minute, second = (_number(group(number)) for number in (4, 5, 6))
    half = tf.strings.lower(group(8))
    hour_of_day = tf.where(half == "", hour, hour % _HALF_DAY_HOURS)
    hour_of_day += tf.where(half == "p", tf.constant(_HALF_DAY_HOURS, tf.int64), 0)
    # Before AM and PM, hours are 1 to 12.
    possible = (half == "") | ((hour >= 1) & (hour <= _HALF_DAY_HOURS))
    valid = (
        shaped
        & (month >= 1)
        & (month <= len(_MONTH_DAYS))
        & (day >= 1)
        & (day <= _days_of_month(year, month))
        & possible
        & (hour < _HOURS)
        & (minute < _MINUTES)
        & (second < _SECONDS)
    )
    minutes = (_days(year, month, day) * 24 + hour_of_day) * 60 + minute - _minutes_east(group(9))
    fraction = tf.strings.to_number(tf.strings.join(["0.", group(7)]), tf.float64)
    return tf.cast(minutes * 60 + second, tf.float64) + fraction, ~valid


def _number(digits: tf.Tensor, absent: str = "0") -> tf.Tensor:
    return tf.strings.to_number(tf.where(digits == "", absent, digits), tf.int64)


def _year(digits: tf.Tensor) -> tf.Tensor:
    year = _number(digits)
    century = tf.where(year > _LAST_OF_2000S, tf.constant(1900, tf.int64), 2000)
    return tf.where(tf.strings.length(digits) == 2, year + century, year)  # noqa: PLR2004


def _month(text: tf.Tensor) -> tf.Tensor:
    """Number of a month, from digits, an English name or its first three letters; else 0."""
    named = tf.strings.regex_full_match(text, r"[A-Za-z].*")
    first = tf.strings.substr(tf.strings.lower(text), 0, 3)
    is_month = tf.cast(first[:, tf.newaxis] == tf.constant(_MONTH_NAMES), tf.int64)  # [batch, 12]
    by_name = tf.reduce_sum(is_month * tf.range(1, len(_MONTH_NAMES) + 1, dtype=tf.int64), axis=1)
    return tf.where(named, by_name, _number(tf.where(named, "0", text)))


def _minutes_east(zone: tf.Tensor) -> tf.Tensor:
    """Minutes of an offset from UTC: +01, +0130, -01:30; 0 if it is empty."""
    digits = tf.strings.regex_replace(zone, "[^0-9]", "")
    digits = tf.strings.join([digits, "0000"])  # "" and "01" to "0000" and "010000"
    hours, minutes = (_number(tf.strings.substr(digits, start, 2)) for start in (0, 2))
    east = 60 * hours + minutes
    return tf.where(tf.strings.regex_full_match(zone, "-.*"), -east, east)


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

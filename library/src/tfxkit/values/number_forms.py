"""Forms of numbers in columns of text: decimal sign, thousands, currencies and units."""

from __future__ import annotations

import collections
import dataclasses
import re
import unicodedata
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.config.data import NumberFormat
from tfxkit.values.columns import is_text, stored_values
from tfxkit.values.reading import AMONG_NUMBERS, BLANKS

_NUMBER_WITH_AFFIXES = re.compile(
    r"\(?[-+\u2212]?\s*(?P<prefix>[^\d\s(),'+\-\u2212]{0,5})\s*[-+\u2212]?\s*"
    r"\d[\d.,'\u2019 \xa0\u202f\u2009]*?"
    r"(?P<gap>\s*)(?P<suffix>[^\d\s().,'+\-\u2212][^\d\s()+\u2212]{0,9})?\s*[-\u2212]?\)?"
)
_CURRENCY = re.compile(
    "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|RUB|BRL|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|TRY|ZAR|MXN|KRW|"
    r"SGD|HKD|ILS|THB|IDR|MYR|PHP|VND|AED|SAR|UAH|RON|Fr\.?|kr\.?|zł|Kč|Ft|Rs\.?|Rp|RM|руб\."
)
_UNIT = re.compile(  # no letter that is also a part of codes such as 1A and 2B
    "[%‰°]|°[CF]|[kmµ]?g|lbs?|oz|[kcmµn]?m|mi|ft|in|yd|k?m²|ha|m³|[mc]?[lL]|gal|[kM]Wh?|[mk][VA]|"
    "[kMG]?Hz|h?Pa|kPa|bar|psi|[mµ]?s|min|km/h|kmh|mph|m/s|[kKMGT]B|px|pt|bp|cc|CC|b?hp|kmpl|mpg|"
    "k?cal|kJ|mol|ppm"
)
_SAMPLE = 1000  # different values in which prefix and suffix are looked for
_MOST = 0.95  # of the values: a typing error does not make a column of numbers one of words
_AROUND = r"[^\d.,]{0,8}"  # sign, currency, unit, blanks


@dataclasses.dataclass(frozen=True)
class DecimalSign:
    """Decimal sign of a data set.

    Attributes:
        sign: A point or a comma.
        certain: True if a number was seen that has one meaning only, such as 1.5.
    """

    sign: str
    certain: bool


UNKNOWN_SIGN = DecimalSign(".", certain=False)


def find_decimal(columns: Iterable[pa.Array | pa.ChunkedArray]) -> DecimalSign:
    """Finds the decimal sign of the numbers in the columns of a table.

    A sign needs a column in which nearly all different values are numbers, and one of them is no
    number if the sign separates thousands. A point comes first.

    Args:
        columns: All columns; those that are no text count for nothing.
    """
    signs = set()
    for column in columns:
        values = stored_values(column)
        if not is_text(values.type):
            continue
        text = pc.unique(pc.utf8_trim(values, characters=BLANKS)).drop_null()
        no_numbers = pa.array(["", *sorted(AMONG_NUMBERS)], text.type)
        text = text.filter(pc.invert(pc.is_in(text, no_numbers)))
        signs |= {sign for sign, other in (".,", ",.") if _has_fractions(text, sign, other)}
    if not signs:
        return UNKNOWN_SIGN
    return DecimalSign("." if "." in signs else ",", certain=True)


def number_formats(text: pa.Array, decimal: str) -> list[NumberFormat]:
    """Formats that the numbers in a column may have, the one without thousands first.

    Args:
        text: Strings without surrounding blanks, none of them empty.
        decimal: Decimal sign.

    Returns:
        Formats with the most frequent prefix and suffix; none if few values look like numbers.
    """
    sample, affixes = _affixes(text)
    if affixes.total() <= len(sample) / 2:
        return []
    [((prefix, suffix), _)] = affixes.most_common(1)
    bracketed = any(value.startswith("(") for value in sample)
    trailing = any(value[-1] in "-\u2212" for value in sample)
    negative = "parentheses" if bracketed else "trailing" if trailing else "minus"
    return [
        NumberFormat.model_validate(
            {"thousands": sign, "prefix": prefix, "suffix": suffix, "negative": negative}
        )
        for sign in ("", ",", ".", "'", " ")
        if sign != decimal
    ]


def has_clear_groups(text: pa.Array, how: NumberFormat, decimal: DecimalSign) -> bool:
    """True if the separators of thousands in a column can be nothing else.

    1,234 may have a fraction of three digits, if the decimal sign is not certain. And numbers in
    groups that all have one length, 123 456 789, may be codes, unless there is a unit, a fraction
    or a blank that does not break.
    """
    if how.thousands == " ":
        clear = f"[\xa0\u202f]|{re.escape(decimal.sign)}\\d"
        if how.prefix or how.suffix or has_match(text, clear):
            return True
        return bool(pc.count_distinct(pc.utf8_length(text)).as_py() > 1)
    if how.thousands in ("", "'") or decimal.certain:
        return True
    group = rf"{re.escape(how.thousands)}\d{{3}}"
    return has_match(text, rf"{group}{group}|{group}{re.escape(decimal.sign)}\d")


def different_units(text: pa.Array) -> list[str]:
    """Sorted units of a column in which nearly all values are numbers, if they have several."""
    sample, affixes = _affixes(text)
    if len(affixes) == 1 or affixes.total() < _MOST * len(sample):
        return []
    return sorted({prefix or suffix or "none" for prefix, suffix in affixes})


def typical_value(text: pa.Array, how: NumberFormat) -> str:
    """Longest of the first values, one with a separator of thousands if there is any."""
    values = pc.unique(text.drop_null()).slice(0, _SAMPLE).to_pylist()
    return max(values, key=lambda value: (how.thousands in value, len(value)))


def share_of(text: pa.Array, pattern: str) -> float:
    """Share of the values that match a regular expression; 0 if there is no value."""
    return pc.mean(pc.match_substring_regex(text, pattern).cast(pa.int8())).as_py() or 0.0


def has_match(text: pa.Array, pattern: str) -> bool:
    """True if a value matches a regular expression."""
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def _has_fractions(text: pa.Array, sign: str, other: str) -> bool:
    sign, other = re.escape(sign), re.escape(other)
    grouped = rf"\d{{1,3}}(?:{other}\d{{3}})+"
    number = rf"^{_AROUND}(?:\d+|{grouped})(?:{sign}\d+)?{_AROUND}$"
    if share_of(text, number) < _MOST:
        return False
    clear = rf"{sign}(?:\d{{1,2}}|\d{{4,}}){_AROUND}$|^{_AROUND}0{sign}\d|{grouped}{sign}\d"
    return has_match(text, clear)


def _affixes(text: pa.Array) -> tuple[list[str], collections.Counter[tuple[str, str]]]:
    """Some different values, and the prefixes and suffixes of those that seem to be numbers.

    A prefix is a currency: v1, Q1 and INV 7 are names. A suffix is a currency, a well-known unit,
    or any word that is apart from the number, as in "36 months".
    """
    sample = pc.unique(text.drop_null()).slice(0, _SAMPLE).to_pylist()
    affixes: collections.Counter[tuple[str, str]] = collections.Counter()
    for value in sample:
        if match := _NUMBER_WITH_AFFIXES.fullmatch(value):
            prefix, suffix = match["prefix"], match["suffix"] or ""
            is_unit = match["gap"] or _UNIT.fullmatch(suffix) or _is_currency(suffix)
            if (not prefix or _is_currency(prefix)) and (not suffix or is_unit):
                affixes[prefix, suffix] += 1
    return sample, affixes


def _is_currency(affix: str) -> bool:
    signs = any(unicodedata.category(character) == "Sc" for character in affix)
    return signs or bool(_CURRENCY.fullmatch(affix))

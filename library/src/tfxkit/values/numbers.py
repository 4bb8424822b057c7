"""Numbers in text: forms such as $1,234.50, (3.5) or 12 %, and their plain equivalents."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.config.data import NumberFormat

# The grammar of a plain number, the same for Arrow's parser and Python's.
PLAIN_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_EXACT = 2**53  # below, float64 holds each whole number
_NOT_A_NUMBER = ("nan", "+nan", "-nan")
_MINUS = "\u2212-"  # the hyphen last, as in a class of characters
_SEPARATORS = {"": "", ",": ",", ".": r"\.", "'": "['\u2019]", " ": "[ \xa0\u202f\u2009]"}
_FULL_WIDTH = {chr(0xFF00 + ord(sign) - 0x20): sign for sign in "0123456789+-.,"}
_TO_ASCII = str.maketrans(_FULL_WIDTH)
_FULL_WIDTH_PATTERN = f"[{''.join(_FULL_WIDTH)}]"


def to_plain(text: pa.Array, how: NumberFormat, decimal: str) -> pa.Array:
    """Rewrites numbers in a format as plain ones, -1234.5.

    Args:
        text: Strings without surrounding blanks.
        how: Form of the numbers.
        decimal: Decimal sign.

    Returns:
        Strings of the same length, null where a text has another form.
    """
    if pc.any(pc.match_substring_regex(text, _FULL_WIDTH_PATTERN)).as_py():
        for wide, sign in _FULL_WIDTH.items():
            text = pc.replace_substring(text, wide, sign)
    parts = pc.extract_regex(text, rf"^{_pattern(how, decimal)}$")
    groups = {field.name: parts.field(place) for place, field in enumerate(parts.type)}
    number = groups.pop("number")
    if "inside" in groups:
        number = pc.binary_join_element_wise(number, groups.pop("inside"), "")
    if separator := _SEPARATORS[how.thousands]:
        number = pc.replace_substring_regex(number, separator, "")
    if decimal != ".":
        number = pc.replace_substring(number, decimal, ".")
    signs = pc.binary_join_element_wise(*groups.values(), "")
    minus = pc.if_else(pc.is_in(signs, pa.array(["", "+"])), "", "-")
    plain = pc.binary_join_element_wise(minus, number, "")
    # One sign only: `--5` and `-5-` are no numbers.
    matched = pc.and_(parts.is_valid(), pc.less_equal(pc.utf8_length(signs), 1))
    return pc.if_else(matched, plain, None)


def plain_reader(how: NumberFormat, decimal: str) -> Callable[[str], str | None]:
    """Function that rewrites one number like `to_plain`, None if it has another form."""
    pattern = re.compile(_pattern(how, decimal), re.ASCII)
    number = pattern.groupindex["number"] - 1
    inside = pattern.groupindex.get("inside", 0) - 1
    separator = re.compile(_SEPARATORS[how.thousands] or "(?!)")

    def plain(text: str) -> str | None:
        match = pattern.fullmatch(text if text.isascii() else text.translate(_TO_ASCII))
        if not match:
            return None
        parts = [part or "" for part in match.groups()]
        digits = parts.pop(inside) if inside >= 0 else ""
        digits += parts.pop(number)
        signs = "".join(parts)
        if len(signs) > 1:
            return None
        return ("-" if signs not in ("", "+") else "") + separator.sub("", digits).replace(
            decimal, "."
        )

    return plain


def with_point(text: pa.Array, decimal: str) -> pa.Array:
    """Replaces the decimal sign of numbers by a point.

    Raises:
        pyarrow.ArrowInvalid: If there is a point already, since 1.234 has two meanings.
    """
    if pc.any(pc.match_substring(text, ".")).as_py():
        raise pa.ArrowInvalid(f"a point where {decimal!r} is expected")
    return pc.replace_substring(text, decimal, ".")


def text_to_int(text: pa.Array) -> pa.Array:
    """Whole numbers from plain text such as 5, +5, 5.0 and 1e5, and 1 and 0 from true and false.

    Args:
        text: Strings without surrounding blanks.

    Returns:
        int64, null for NaN.

    Raises:
        pyarrow.ArrowInvalid: If a text is no whole number of 64 bits.
    """
    # The fast way first. A cast to int64 that fails is slow, and reads 0x1F.
    try:
        floats = text.cast(pa.float64())
        if (pc.max(pc.abs(floats)).as_py() or 0) < _EXACT:
            return floats.cast(pa.int64())
    except pa.ArrowInvalid:
        pass
    text = _truth_as_digits(text)
    text = pc.replace_substring_regex(text, r"^(?:\+?(\d+)|(-\d+))(?:\.0*)?$", r"\1\2")
    # Not through float64, which is exact up to 2^53 only, except for what is left (1e5).
    digits = pc.match_substring_regex(text, r"^-?\d+$")
    exact = pc.if_else(digits, text, None).cast(pa.int64())
    other = pc.if_else(digits, None, text).cast(pa.float64()).cast(pa.int64())
    return pc.coalesce(exact, other)


def text_to_float(text: pa.Array) -> pa.Array:
    """Numbers from plain text, and 1 and 0 from true and false.

    Args:
        text: Strings without surrounding blanks.

    Returns:
        float64 with NaN for `nan`.

    Raises:
        pyarrow.ArrowInvalid: If a text is no number.
    """
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return _truth_as_digits(text).cast(pa.float64())


def value_to_int(text: str) -> int | None:
    """Reads one text like `text_to_int`.

    Raises:
        ValueError: If it is no whole number of 64 bits.
    """
    if text.isascii() and text.isdigit():
        return in_64_bits(int(text))
    if match := _WHOLE.fullmatch(text):
        return in_64_bits(int(match[1]))
    number = value_to_float(text)
    if math.isnan(number):
        return None
    if not number.is_integer():
        raise ValueError("not a whole number")
    return in_64_bits(int(number))


def value_to_float(text: str) -> float:
    """Reads one text like `text_to_float`.

    Raises:
        ValueError: If it is no number.
    """
    if "_" not in text and text.isascii():  # 1_000 is a number to Python alone
        try:
            return float(text)
        except ValueError:
            if (lower := text.lower()) in _TRUTH:
                return _TRUTH[lower]
    raise ValueError("not a number")


def in_64_bits(number: int) -> int:
    """The number itself.

    Raises:
        ValueError: If int64 cannot hold it.
    """
    if not -(2**63) <= number < 2**63:
        raise ValueError("beyond 64 bits")
    return number


def _truth_as_digits(text: pa.Array) -> pa.Array:
    """Text with 1 and 0 for true and false in any case, and null for NaN."""
    lower = pc.utf8_lower(text)
    text = pc.if_else(pc.equal(lower, "true"), "1", pc.if_else(pc.equal(lower, "false"), "0", text))
    return pc.if_else(pc.is_in(lower, pa.array(_NOT_A_NUMBER)), None, text)


def _pattern(how: NumberFormat, decimal: str) -> str:
    """Regular expression of a whole text in a number format, for RE2 and (in ASCII mode) Python.

    Its groups are `before`, `after`, `open` and `trailing`, of which one or none holds the sign of
    a negative number, and `number`, the digits with their separators.
    """
    separator, point = _SEPARATORS[how.thousands], re.escape(decimal)
    digits = rf"(?:\d{{1,3}}(?:{separator}\d{{3}})+|\d+)" if separator else r"\d+"
    number = rf"(?:{digits}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
    blank = "[ \xa0\u202f\u2009]*"
    prefix = rf"{re.escape(how.prefix)}{blank}" if how.prefix else ""
    suffix = rf"{blank}{re.escape(how.suffix)}" if how.suffix else ""
    sign = rf"[+{_MINUS}]?"
    trailing = rf"{blank}(?P<trailing>[{_MINUS}]?)" if how.negative == "trailing" else ""
    forms = rf"(?P<before>{sign}){blank}{prefix}(?P<after>{sign}){blank}(?P<number>{number})"
    plain = rf"{forms}{trailing}{suffix}"
    if how.negative != "parentheses":
        return plain
    opened = rf"(?P<open>\(){blank}{prefix}(?P<inside>{number}){suffix}{blank}\)"
    return rf"(?:{plain}|{opened})"


_WHOLE = re.compile(r"([+-]?\d+)(?:\.0*)?", re.ASCII)
_TRUTH = {"false": 0.0, "true": 1.0}

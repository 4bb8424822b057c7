"""Single values as JSON has them, read like the columns of a file."""

from __future__ import annotations

import base64
import ctypes
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from tfxkit.values import numbers
from tfxkit.values.columns import as_bytes_text
from tfxkit.values.reading import BLANKS, ColumnReading, Reading

Value: TypeAlias = int | float | bytes | None
_TRUTH = {"false": 0, "true": 1}


def value_reader(how: ColumnReading, reading: Reading) -> Callable[[object], Value]:
    """Reader of the values of one column, equal to `read_column` without an array.

    Args:
        how: Reading of the column.
        reading: Reading of the data set.

    Returns:
        A function that takes None, a bool, int, float, str or bytes object, or `{"b64": …}` where
        the column is of type BYTES. It returns an int of 64 bits, a float rounded to float32, or
        bytes, by the column's type, and None where the value is missing. It raises ValueError if
        the value does not fit.
    """
    return {"INT": _int_reader, "FLOAT": _float_reader, "BYTES": _bytes_reader}[how.type](
        how, reading
    )


def _int_reader(how: ColumnReading, reading: Reading) -> Callable[[object], Value]:
    plain = _plain_text(how, reading)

    def read(value: object) -> int | None:
        if isinstance(value, int):  # True is 1
            return numbers.in_64_bits(int(value))
        if isinstance(value, float):
            if math.isnan(value):
                return None
            if not value.is_integer():
                raise ValueError("not a whole number")
            return numbers.in_64_bits(int(value))
        text = plain(value)
        return None if text is None else numbers.value_to_int(text)

    return read


def _float_reader(how: ColumnReading, reading: Reading) -> Callable[[object], Value]:
    plain = _plain_text(how, reading)
    keeps_nan = reading.rules == 1

    def read(value: object) -> float | None:
        if isinstance(value, float | int):
            try:
                number = float(value)
            except OverflowError as error:
                raise ValueError("beyond the largest number") from error
        else:
            text = plain(value)
            if text is None:
                return None
            number = numbers.value_to_float(text)
        if math.isnan(number) and not keeps_nan:
            return None
        return ctypes.c_float(number + 0.0).value  # rounded; zero has one sign

    return read


def _bytes_reader(how: ColumnReading, reading: Reading) -> Callable[[object], Value]:
    words = frozenset(reading.words(how))
    booleans = [word.encode() for word in reading.truth_words(how)]
    blanks = "" if reading.rules == 1 else BLANKS
    respelled = {word: booleans[place] for word, place in _TRUTH.items()} if how.respells else {}

    def read_text(text: str) -> bytes | None:
        trimmed = text.strip(blanks) if blanks else text
        if not trimmed or trimmed in words:
            return None
        if respelled:
            return respelled.get(text.strip(BLANKS).lower()) or text.encode()
        return text.encode()

    def read(value: object) -> bytes | None:
        if isinstance(value, str):
            return read_text(value)
        if isinstance(value, bool):
            return booleans[value]
        if isinstance(value, int):
            return str(value).encode()
        if isinstance(value, float):
            return None if math.isnan(value) else as_bytes_text(value).encode()
        if isinstance(value, Mapping) and value.keys() == {"b64"} and isinstance(value["b64"], str):
            value = base64.b64decode(value["b64"], validate=True)
        if value is not None and not isinstance(value, bytes):
            raise ValueError("neither text nor a number")
        try:
            return None if value is None else read_text(value.decode())
        except UnicodeDecodeError:
            return value

    return read


def _plain_text(how: ColumnReading, reading: Reading) -> Callable[[object], str | None]:
    """Reader of a number in text: its plain form with a point, or None where it is missing."""
    words = frozenset(reading.words(how))
    decimal = reading.decimal
    parse = how.parse and numbers.plain_reader(how.parse, decimal)

    def plain(value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, bytes):
            value = value.decode()
        if not isinstance(value, str):
            raise ValueError("neither a number nor text")
        text = value.strip(BLANKS)
        if not text or text in words:
            return None
        if parse:
            parsed = parse(text)
            if parsed is None:
                raise ValueError("a number in another form than the column's")
            return parsed
        if decimal != ".":
            if "." in text:
                raise ValueError(f"a point where {decimal!r} is expected")
            text = text.replace(decimal, ".")
        return text

    return plain

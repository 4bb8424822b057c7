"""Columns of any Arrow type as int64, float32 or binary, with one rule for missing values."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.values import numbers
from tfxkit.values.reading import BLANKS, ColumnReading, Reading

ARROW_TYPES = {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.binary()}
_EXACT_TYPES = {**ARROW_TYPES, "FLOAT": pa.float64()}
_UUID, _BOOL8 = "arrow.uuid", "arrow.bool8"


def read_column(
    column: pa.Array | pa.ChunkedArray, how: ColumnReading, reading: Reading
) -> pa.Array:
    """Reads a column by the rules of the package.

    Text stays as it is, blanks included, except for truth values. Numbers in text may have
    surrounding blanks. A number of type FLOAT is rounded by way of float64 to float32, from any
    source.

    Args:
        column: Values of any Arrow type.
        how: Reading of this column.
        reading: Reading of the data set, for the rules, the missing words and the decimal sign.

    Returns:
        Values as int64, float32 or binary, null where one is missing.

    Raises:
        pyarrow.ArrowInvalid: If a value does not fit, such as 1.5 in a column of type INT; see
            `unfit`.
        pyarrow.ArrowNotImplementedError: If no value of such a column can fit.
    """
    return read_exactly(column, how, reading).cast(ARROW_TYPES[how.type], safe=False)


def read_exactly(  # noqa: PLR0911 - one way for each family of types
    column: pa.Array | pa.ChunkedArray, how: ColumnReading, reading: Reading
) -> pa.Array:
    """Reads a column like `read_column`, but numbers of type FLOAT as float64, not rounded."""
    column = stored_values(column)
    if pa.types.is_dictionary(column.type):
        try:
            words = read_exactly(column.dictionary, how, reading)
        except pa.ArrowInvalid:  # perhaps of a word that no row has
            return read_exactly(column.dictionary_decode(), how, reading)
        return words.take(column.indices)
    source = column.type
    if pa.types.is_null(source):
        return pa.nulls(len(column), _EXACT_TYPES[how.type])
    if why_unreadable(source) or (how.type != "BYTES" and pa.types.is_temporal(source)):
        # A time could become a number in many units, and files would not agree on one.
        raise pa.ArrowNotImplementedError(f"{source} cannot be read as {how.type}")
    if pa.types.is_temporal(source):
        return _iso(column, reading.rules).cast(pa.binary())
    if is_text(source):
        column.validate(full=True)  # the CSV reader does not check that text is UTF-8
        return _from_text(column.cast(pa.string()), how, reading)
    if is_binary(source):
        return _from_binary(column.cast(pa.binary()), how, reading)
    if pa.types.is_boolean(source):
        return _from_booleans(column, how, reading)
    if how.type == "BYTES":
        return _as_text(column, reading.rules).cast(pa.binary())
    return _from_numbers(column, how.type, reading.rules)


def unfit(column: pa.Array, how: ColumnReading, reading: Reading) -> list[int]:
    """Positions of the values that `read_column` refuses, in ascending order, by bisection.

    Args:
        column: Values that `read_column` refused as a whole.
        how: Reading of this column.
        reading: Reading of the data set.
    """
    column = stored_values(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()  # once, not for each slice
    positions: list[int] = []
    waiting = [(0, len(column))]
    while waiting:
        start, stop = waiting.pop()
        try:
            read_column(column.slice(start, stop - start), how, reading)
        except pa.ArrowInvalid:
            if stop - start == 1:
                positions.append(start)
            else:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
    return positions


def missing_mask(column: pa.Array, words: Sequence[str] = ()) -> pa.Array:
    """Mask of the rows without a value; the only definition of "missing".

    Missing are null, NaN, text of nothing but `BLANKS`, and text that is one of the words once
    surrounding blanks are gone. Upper and lower case differ.

    Args:
        column: Numbers, truth values, times, strings or binary values.
        words: Words for missing values.

    Returns:
        Booleans without null, one a row.
    """
    if pa.types.is_floating(column.type):
        return pc.is_null(column.cast(pa.float64()), nan_is_null=True)
    if is_binary(column.type):
        column = column.cast(pa.binary())
        try:
            column = column.cast(pa.string())
        except pa.ArrowInvalid:
            return pa.array([_is_missing(value, words) for value in column.to_pylist()])
    if not is_text(column.type):
        return column.is_null()
    return _missing_text(pc.utf8_trim(column, characters=BLANKS), words)


def stored_values(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of plain type: without chunks, extension types, views and run-end encoding.

    Of extension types, uuids become text, booleans of 8 bits become booleans, and all others the
    values that they store. A dictionary stays encoded.
    """
    if isinstance(column, pa.ChunkedArray):
        try:
            column = column.combine_chunks()
        except pa.ArrowInvalid:  # dictionaries with a null among the words
            column = pa.concat_arrays([chunk.dictionary_decode() for chunk in column.chunks])
    if isinstance(column, pa.ExtensionArray):
        extension, column = column.type.extension_name, column.storage
        if extension == _UUID:
            return _uuids(column)
        if extension == _BOOL8:
            return pc.not_equal(column, 0)
        return stored_values(column)
    if pa.types.is_run_end_encoded(column.type):
        column = stored_values(pc.run_end_decode(column))
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column.cast(pa.binary()) if pa.types.is_binary_view(column.type) else column


def guess_type(arrow_type: pa.DataType) -> str | None:
    """INT, FLOAT or BYTES by the type of a file's column; None without a value, or if unreadable.

    Only for columns that no schema describes: `infer` looks at the values.
    """
    arrow_type = _stored_type(arrow_type)
    if pa.types.is_null(arrow_type) or why_unreadable(arrow_type):
        return None
    if pa.types.is_integer(arrow_type):
        return "INT"
    if pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type):
        return "FLOAT"
    return "BYTES"


def why_unreadable(arrow_type: pa.DataType) -> str | None:
    """Reason why no column of a type can be read, for `dataset.yaml`; None if one can."""
    arrow_type = _stored_type(arrow_type)
    if pa.types.is_nested(arrow_type):
        return f"{arrow_type}: several values in a row"
    if pa.types.is_duration(arrow_type) or pa.types.is_interval(arrow_type):
        return f"{arrow_type}: a length of time, for which files have no common unit"
    return None


def is_text(arrow_type: pa.DataType) -> bool:
    """True for strings with 32 or 64 bit offsets."""
    return pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type)


def is_binary(arrow_type: pa.DataType) -> bool:
    """True for bytes of any or of fixed length."""
    return (
        pa.types.is_binary(arrow_type)
        or pa.types.is_large_binary(arrow_type)
        or pa.types.is_fixed_size_binary(arrow_type)
    ) and not pa.types.is_decimal(arrow_type)


def as_bytes_text(number: float, text_of: Callable[[Any], str] = repr) -> str:
    """Text of a finite number in a column of type BYTES: digits if whole, else the shortest.

    Args:
        number: A float.
        text_of: Shortest text of a number in its own precision.

    Raises:
        ValueError: If it is infinite.
    """
    if number in (float("inf"), float("-inf")):
        raise ValueError("infinite")
    whole = number.is_integer() and -(2**63) <= number < 2**63
    return str(int(number)) if whole else text_of(number)


def _stored_type(arrow_type: pa.DataType) -> pa.DataType:
    while True:
        if isinstance(arrow_type, pa.BaseExtensionType):
            if arrow_type.extension_name == _UUID:
                return pa.string()
            if arrow_type.extension_name == _BOOL8:
                return pa.bool_()
            arrow_type = arrow_type.storage_type
        elif pa.types.is_dictionary(arrow_type) or pa.types.is_run_end_encoded(arrow_type):
            arrow_type = arrow_type.value_type
        else:
            return arrow_type


def _from_text(text: pa.Array, how: ColumnReading, reading: Reading) -> pa.Array:
    trimmed = pc.utf8_trim(text, characters=BLANKS)
    absent = _missing_text(trimmed, reading.words(how))
    if how.type == "BYTES":
        if reading.rules == 1:
            absent = pc.coalesce(pc.equal(pc.binary_length(text), 0), True)
        if how.respells and how.truth:
            lower = pc.utf8_lower(trimmed)
            false, true = how.truth
            text = pc.if_else(pc.equal(lower, "false"), false, text)
            text = pc.if_else(pc.equal(lower, "true"), true, text)
        return _without(text, absent).cast(pa.binary())
    trimmed = _without(trimmed, absent)
    if how.parse:
        plain = numbers.to_plain(trimmed, how.parse, reading.decimal)
        if plain.null_count > trimmed.null_count:
            raise pa.ArrowInvalid("a number in another form than the column's")
        trimmed = plain
    elif reading.decimal != ".":
        trimmed = numbers.with_point(trimmed, reading.decimal)
    if how.type == "INT":
        return numbers.text_to_int(trimmed)
    return _without_nan(numbers.text_to_float(trimmed), reading.rules)


def _from_binary(column: pa.Array, how: ColumnReading, reading: Reading) -> pa.Array:
    try:
        return _from_text(column.cast(pa.string()), how, reading)
    except pa.ArrowInvalid:
        if how.type != "BYTES":
            raise
    # Some values are no text, and stay as they are.
    texts = pa.array(
        [value if _is_utf8(value) else None for value in column.to_pylist()], pa.binary()
    )
    read = _from_text(texts.cast(pa.string()), how, reading)
    return pc.if_else(texts.is_null(), column, read)


def _from_booleans(column: pa.Array, how: ColumnReading, reading: Reading) -> pa.Array:
    if how.type != "BYTES":
        return column.cast(pa.int8()).cast(_EXACT_TYPES[how.type])
    words = pa.array(reading.truth_words(how), pa.binary())
    return words.take(column.cast(pa.int8()))


def _from_numbers(column: pa.Array, type_name: str, rules: int) -> pa.Array:
    if type_name == "FLOAT":
        return _without_nan(column.cast(pa.float64(), safe=False), rules)
    if pa.types.is_floating(column.type):
        # Integers with gaps, which data frames store as floats: NaN is the gap.
        column = column.cast(pa.float64())
        column = _without(column, missing_mask(column))
    return column.cast(pa.int64())


def _without_nan(column: pa.Array, rules: int) -> pa.Array:
    if rules > 1:
        column = _without(column, missing_mask(column))
    return pc.add(column, 0.0)  # zero has one sign: the hash of a row must not depend on it


def _as_text(column: pa.Array, rules: int) -> pa.Array:
    """Numbers as text: 5 for 5.0, 12.5 for 12.50, else the shortest that gives the number."""
    if pa.types.is_decimal(column.type):
        text = column.cast(pa.string())
        if rules == 1:
            return text
        if pc.any(pc.match_substring(text, "E")).as_py():
            text = pa.array([v and format(Decimal(v), "f") for v in text.to_pylist()], pa.string())
        return pc.replace_substring_regex(text, r"^(-?\d+)(?:\.0*|(\.\d*[1-9])0*)$", r"\1\2")
    if not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    try:
        return _from_numbers(column, "INT", rules).cast(pa.string())
    except pa.ArrowInvalid:
        pass
    # The shortest text of float32 is not that of the same number as float64.
    text_of = (lambda number: str(np.float32(number))) if column.type.bit_width == 32 else repr  # noqa: PLR2004
    column = column.cast(pa.float64())
    values = _without(column, missing_mask(column)).to_pylist()
    try:
        return pa.array([v if v is None else as_bytes_text(v, text_of) for v in values])
    except ValueError as error:
        raise pa.ArrowInvalid("an infinite number has no text") from error


def _iso(column: pa.Array, rules: int) -> pa.Array:
    """Dates as 2024-02-29, times as 18:30:05.500000, in UTC; without a fraction that is zero."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))  # to UTC
        text = column.cast(pa.string()) if rules == 1 else _without_zero_fraction(column)
    elif pa.types.is_time(column.type):
        text = _without_zero_fraction(column)
    else:
        text = column.cast(pa.date32()).cast(pa.string())
    if pc.any(pc.match_substring(text, "<")).as_py():
        raise pa.ArrowInvalid("a time out of range")
    return text


def _without_zero_fraction(column: pa.Array) -> pa.Array:
    """Text of times with six digits of a second, nine if these are needed, or none."""
    unit = column.type.unit
    seconds = pa.timestamp("s") if pa.types.is_timestamp(column.type) else pa.time32("s")
    try:
        return column.cast(seconds).cast(pa.string())
    except pa.ArrowInvalid:  # a fraction would be lost
        text = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+$", "")
    if unit == "ms":
        return pc.replace_substring_regex(text, r"(\.\d{3})$", r"\1000")
    return pc.replace_substring_regex(text, r"(\.\d{6})000$", r"\1")


def _missing_text(trimmed: pa.Array, words: Sequence[str]) -> pa.Array:
    absent = pc.equal(pc.binary_length(trimmed), 0)
    if words:
        absent = pc.or_(absent, pc.is_in(trimmed, pa.array(words, trimmed.type)))
    return pc.coalesce(absent, True)


def _is_missing(value: bytes | None, words: Iterable[str]) -> bool:
    try:
        text = value.decode().strip(BLANKS) if value else ""
    except UnicodeDecodeError:
        return False
    return not text or text in words


def _is_utf8(value: bytes | None) -> bool:
    try:
        return value is not None and value.decode() is not None
    except UnicodeDecodeError:
        return False


def _without(column: pa.Array, absent: pa.Array) -> pa.Array:
    if absent.true_count == column.null_count:
        return column
    # A copy, as `if_else` with a null makes invalid arrays of slices (apache/arrow#49410).
    column = pa.concat_arrays([column]) if column.offset else column
    return pc.if_else(absent, None, column)


def _uuids(column: pa.Array) -> pa.Array:
    values = column.to_pylist()
    return pa.array([v and str(uuid.UUID(bytes=v)) for v in values], pa.string())

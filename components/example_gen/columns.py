"""The types that columns have, and the conversion of what a file holds to them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.errors import DataError

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "INT": pa.int64(),
    "FLOAT": pa.float32(),
    "BYTES": pa.binary(),
}
# Digits that may carry a plus sign and a fraction of zeros: the way integers look after they went
# through a data frame that had gaps in the column.
_WHOLE_NUMBER = r"^\+?(-?\d+)(?:\.0*)?$"


def column_types(schema: schema_pb2.Schema) -> dict[str, str]:
    """The type of each column, which is all that ExampleGen takes from the schema.

    Args:
        schema: The curated schema.

    Returns:
        INT, FLOAT or BYTES by column name, sorted by name.

    Raises:
        DataError: If a feature has another type: no column of a table can hold it.
    """
    types = {f.name: schema_pb2.FeatureType.Name(f.type) for f in schema.feature}
    for name, type_name in types.items():
        if type_name not in ARROW_TYPES:
            raise DataError(
                f"The schema gives {name} the type {type_name}. A column of a CSV or Parquet file "
                f"can be {', '.join(ARROW_TYPES)}: give it one of these in configs/schema.pbtxt."
            )
    return dict(sorted(types.items()))


def convert(column: pa.Array, type_name: str, decimal: str = ".") -> pa.Array:
    """Converts a column to the type that the schema gives it; empty text is a missing value.

    Args:
        column: Values of any flat Arrow type.
        type_name: INT, FLOAT or BYTES.
        decimal: What is before the fraction of a number that is written as text.

    Returns:
        As many values, int64, float32 or binary, null where one is missing.

    Raises:
        pyarrow.ArrowInvalid: If a value does not fit, for instance 1.5 an INT.
        pyarrow.ArrowNotImplementedError: If no value of such a column can fit.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_null(kind):
        return pa.nulls(len(column), ARROW_TYPES[type_name])
    if type_name == "BYTES" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return _iso(column).cast(pa.binary())
    if pa.types.is_temporal(kind) or pa.types.is_nested(kind):
        # A time could become a number in many units; files would not agree on one.
        raise pa.ArrowNotImplementedError(f"{kind} is not a type that can be read as {type_name}")
    if type_name == "BYTES" and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        return _without_empty(column.cast(pa.binary()))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return _from_numbers(column, type_name)
    column.validate(full=True)  # the CSV reader leaves it to us to check that text is UTF-8
    text = column.cast(pa.string())
    if type_name == "BYTES":
        return _without_empty(text.cast(pa.binary()))
    text = _without_empty(pc.utf8_trim_whitespace(text))
    if decimal != ".":
        text = with_point(text, decimal)
    return _text_to_int(text) if type_name == "INT" else text.cast(pa.float32())


def with_point(text: pa.Array, decimal: str) -> pa.Array:
    """Numbers as text with a point before their fraction.

    Raises:
        pyarrow.ArrowInvalid: If there is a point already: 1.234 is either of two numbers.
    """
    if pc.any(pc.match_substring(text, ".")).as_py():
        raise pa.ArrowInvalid(f"a point where {decimal!r} is expected")
    return pc.replace_substring(text, decimal, ".")


def unfit(column: pa.Array, type_name: str, decimal: str = ".") -> list[int]:
    """The positions of the values that `convert` refuses, found by halving.

    Args:
        column: Values that `convert` refused as a whole.
        type_name: INT, FLOAT or BYTES.
        decimal: As for `convert`.

    Returns:
        Positions in ascending order.
    """
    found: list[int] = []
    waiting = [(0, len(column))]
    while waiting:
        start, stop = waiting.pop()
        try:
            convert(column.slice(start, stop - start), type_name, decimal)
        except pa.ArrowInvalid:
            if stop - start == 1:
                found.append(start)
            else:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
    return found


def _without_empty(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.greater(pc.binary_length(column), 0), column, None)


def _iso(column: pa.Array) -> pa.Array:
    """Dates as 2024-02-29, points in time as 2024-02-29 18:30:05.5 in UTC."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))  # what it is in UTC
    elif pa.types.is_date64(column.type):
        column = column.cast(pa.date32())
    return column.cast(pa.string())


def _text_to_int(text: pa.Array) -> pa.Array:
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        pass
    # Not by way of float64, which is exact up to 2^53 only; what is left then (1e5) is.
    text = pc.replace_substring_regex(text, pattern=_WHOLE_NUMBER, replacement=r"\1")
    digits = pc.match_substring_regex(text, r"^-?\d+$")
    exact = pc.if_else(digits, text, None).cast(pa.int64())
    other = pc.if_else(digits, None, text).cast(pa.float64()).cast(pa.int64())
    return pc.coalesce(exact, other)


def _from_numbers(column: pa.Array, type_name: str) -> pa.Array:
    if type_name == "FLOAT":
        return column.cast(pa.float64(), safe=False).cast(pa.float32(), safe=False)
    if pa.types.is_floating(column.type):
        # Integers with gaps, as data frames keep them: NaN is the gap.
        column = pc.if_else(pc.is_nan(column), None, column).cast(pa.int64())
    if type_name == "INT":
        return column.cast(pa.int64())
    return column.cast(pa.string()).cast(pa.binary())

"""Columns: types from the schema, conversion of values, misfits and missing values."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

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
_SHOWN_NAMES = 5


def column_types(schema: schema_pb2.Schema) -> dict[str, str]:
    """Type of each column, the only part of the schema that ExampleGen uses.

    Args:
        schema: The curated schema.

    Returns:
        INT, FLOAT or BYTES by column name, sorted by name.

    Raises:
        DataError: If a feature has another type, which no column of a table can have.
    """
    types = {f.name: schema_pb2.FeatureType.Name(f.type) for f in schema.feature}
    for name, type_name in types.items():
        if type_name not in ARROW_TYPES:
            raise DataError(
                f"The schema gives {name} the type {type_name}. A column of a CSV or Parquet file "
                f"can be {', '.join(ARROW_TYPES)}: give it one of these in configs/schema.pbtxt."
            )
    return dict(sorted(types.items()))


def guess_type(arrow_type: pa.DataType) -> str | None:
    """INT, FLOAT or BYTES for a column that the schema lacks; None for one without any value."""
    if pa.types.is_null(arrow_type):
        return None
    if pa.types.is_integer(arrow_type):
        return "INT"
    if pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type):
        return "FLOAT"
    return "BYTES"


def check_names(
    names: Sequence[str], types: Mapping[str, str], place: str, remedy: str, first: int = 1
) -> None:
    """Refuses columns without a unique name, and a table with none of the expected columns.

    Args:
        names: Names of the columns.
        types: Columns of the schema.
        place: Name of the table, for the message.
        remedy: Advice if the schema has none of the names.
        first: Number of the first column, for the message.

    Raises:
        DataError: If a name is empty or occurs twice, or if the schema has none of them.
    """
    if "" in names:
        number = names.index("") + first
        raise DataError(f"{place}: column {number} has no name. Name it, or leave it out.")
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{place} has more than one column {twice[0]!r}. Rename all but one.")
    if not set(names) & set(types):
        raise DataError(
            f"{place} has none of the columns in configs/schema.pbtxt.\n"
            f"It has: {listed(names)}\nExpected: {listed(sorted(types))}\n{remedy}"
        )


def listed(names: Sequence[str]) -> str:
    """First few names, and the number of the others."""
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def convert(column: pa.Array, type_name: str, decimal: str = ".") -> pa.Array:
    """Converts a column to its type in the schema; empty text becomes a missing value.

    Args:
        column: Values of any flat Arrow type.
        type_name: INT, FLOAT or BYTES.
        decimal: Decimal separator of numbers in text.

    Returns:
        The values as int64, float32 or binary, null where one is missing.

    Raises:
        pyarrow.ArrowInvalid: If a value does not fit, for instance 1.5 in an INT column.
        pyarrow.ArrowNotImplementedError: If no value of such a column can fit.
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    source = column.type
    if pa.types.is_null(source):
        return pa.nulls(len(column), ARROW_TYPES[type_name])
    if type_name == "BYTES" and (pa.types.is_timestamp(source) or pa.types.is_date(source)):
        return _iso(column).cast(pa.binary())
    if pa.types.is_temporal(source) or pa.types.is_nested(source):
        # A time could become a number in many units, and files would not agree on one.
        raise pa.ArrowNotImplementedError(f"{source} is not a type that can be read as {type_name}")
    if type_name == "BYTES" and (pa.types.is_binary(source) or pa.types.is_large_binary(source)):
        return _without_empty(column.cast(pa.binary()))
    if not (pa.types.is_string(source) or pa.types.is_large_string(source)):
        return _from_numbers(column, type_name)
    column.validate(full=True)  # the CSV reader does not check that text is UTF-8
    text = column.cast(pa.string())
    if type_name == "BYTES":
        return _without_empty(text.cast(pa.binary()))
    text = _without_empty(pc.utf8_trim_whitespace(text))
    if decimal != ".":
        text = with_point(text, decimal)
    return _text_to_int(text) if type_name == "INT" else text.cast(pa.float32())


def with_point(text: pa.Array, decimal: str) -> pa.Array:
    """Replaces the decimal separator in numbers by a point.

    Raises:
        pyarrow.ArrowInvalid: If there is a point already, since 1.234 has two meanings.
    """
    if pc.any(pc.match_substring(text, ".")).as_py():
        raise pa.ArrowInvalid(f"a point where {decimal!r} is expected")
    return pc.replace_substring(text, decimal, ".")


def unfit(column: pa.Array, type_name: str, decimal: str = ".") -> list[int]:
    """Positions of the values that `convert` refuses, found by bisection.

    Args:
        column: Values that `convert` refused as a whole.
        type_name: INT, FLOAT or BYTES.
        decimal: As for `convert`.

    Returns:
        Positions in ascending order.
    """
    positions: list[int] = []
    waiting = [(0, len(column))]
    while waiting:
        start, stop = waiting.pop()
        try:
            convert(column.slice(start, stop - start), type_name, decimal)
        except pa.ArrowInvalid:
            if stop - start == 1:
                positions.append(start)
            else:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
    return positions


@dataclasses.dataclass
class _Misfit:
    type_name: str
    row: int
    example: Any
    count: int = 0


class Misfits:
    """Conversion of the columns of one table, with a record of the values that do not fit."""

    def __init__(
        self,
        place: str,
        place_of_row: Callable[[int], str],
        decimal: str = ".",
        remedy: str = "Correct the file",
    ) -> None:
        """Starts without misfits.

        Args:
            place: Path of the file, or another name of the table, for the message.
            place_of_row: Locates a row, given the number of rows before it.
            decimal: Decimal separator of numbers in text.
            remedy: Advice beside a change of the schema, for the message.
        """
        self._place = place
        self._decimal = decimal
        self._place_of_row = place_of_row
        self._remedy = remedy
        self._misfits: dict[str, _Misfit] = {}

    def __bool__(self) -> bool:
        """True if a value did not fit."""
        return bool(self._misfits)

    def convert(self, name: str, column: pa.Array, type_name: str, rows_before: int) -> pa.Array:
        """Converts a column like the function `convert`; returns a column with misfits unchanged.

        Args:
            name: Name of the column.
            column: Values of the column in a batch.
            type_name: INT, FLOAT or BYTES.
            rows_before: Number of rows of the table before this batch.

        Raises:
            DataError: If no value of such a column can fit.
        """
        try:
            return convert(column, type_name, self._decimal)
        except pa.ArrowInvalid:
            positions = unfit(column, type_name, self._decimal)
        except pa.ArrowNotImplementedError as error:
            raise DataError(
                f"{self._place}: the column {name} is {column.type} and cannot be read as "
                f"{type_name}, its type in configs/schema.pbtxt.\n"
                "Write it as numbers or text, one value in each row."
            ) from error
        if name not in self._misfits:
            # Text that is not UTF-8 cannot become a str; bytes can be shown.
            is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
            raw = column.cast(pa.binary()) if is_text else column
            first = positions[0]
            self._misfits[name] = _Misfit(type_name, rows_before + first, raw[first].as_py())
        self._misfits[name].count += len(positions)
        return column

    def error(self) -> DataError:
        """Error with all misfits, one line for each column."""
        lines = [f"{self._place} has values that do not fit the type of their column:"]
        for name, misfit in self._misfits.items():
            where = self._place_of_row(misfit.row)
            more = f", as do {misfit.count - 1} more" if misfit.count > 1 else ""
            lines.append(
                f"  {name} is {misfit.type_name}, but {where} has {_shown(misfit.example)}{more}"
            )
        lines.append(f"{self._remedy}, or give the column another type in configs/schema.pbtxt.")
        return DataError("\n".join(lines))


def convert_batches(
    batches: Iterable[pa.RecordBatch], types: Mapping[str, str], misfits: Misfits
) -> Iterator[pa.RecordBatch]:
    """Converts the columns of a table to their types.

    Args:
        batches: Batches with the same columns.
        types: INT, FLOAT or BYTES by column; may grow during the iteration. Columns without a type
            are left out.
        misfits: Collects values that do not fit.

    Yields:
        Batches of int64, float32 and binary columns, null where a value is missing.

    Raises:
        DataError: If values do not fit, after all batches.
    """
    rows = 0
    for batch in batches:
        names = [name for name in batch.schema.names if name in types]
        columns = [misfits.convert(n, batch.column(n), types[n], rows) for n in names]
        if not misfits:
            yield pa.RecordBatch.from_arrays(columns, names)
        rows += batch.num_rows
    if misfits:
        raise misfits.error()


class Required:
    """Filter of rows that lack a required value, the label."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Starts without rows left out.

        Args:
            columns: Columns in which each row must have a value.
        """
        self._columns = columns
        self.left_out = 0  # rows, over all batches

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with all these values; none if a whole column is missing."""
        if not self._columns:
            return batch
        keep = pa.repeat(True, batch.num_rows)
        for name in self._columns:
            known = is_value(batch.column(name)) if name in batch.schema.names else False
            keep = pc.and_(keep, known)
        kept = batch.filter(keep)
        self.left_out += batch.num_rows - kept.num_rows
        return kept


def is_value(column: pa.Array) -> pa.Array:
    """Mask of the rows with a value: neither null nor NaN nor blank text.

    Args:
        column: Values of type int64, float32 or binary.
    """
    if pa.types.is_floating(column.type):
        known = pc.invert(pc.is_nan(column))
    elif pa.types.is_binary(column.type):
        known = pc.match_substring_regex(column, r"\S")
    else:
        return column.is_valid()
    return pc.coalesce(known, False)


def _without_empty(column: pa.Array) -> pa.Array:
    # A copy, as `if_else` with a null makes invalid arrays of slices (apache/arrow#49410).
    column = pa.concat_arrays([column])
    return pc.if_else(pc.greater(pc.binary_length(column), 0), column, None)


def _iso(column: pa.Array) -> pa.Array:
    """Dates as 2024-02-29, points in time as 2024-02-29 18:30:05.5 in UTC."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))  # to UTC
    elif pa.types.is_date64(column.type):
        column = column.cast(pa.date32())
    return column.cast(pa.string())


def _text_to_int(text: pa.Array) -> pa.Array:
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        pass
    # Not through float64, which is exact up to 2^53 only, except for what is left (1e5).
    text = pc.replace_substring_regex(text, pattern=_WHOLE_NUMBER, replacement=r"\1")
    digits = pc.match_substring_regex(text, r"^-?\d+$")
    exact = pc.if_else(digits, text, None).cast(pa.int64())
    other = pc.if_else(digits, None, text).cast(pa.float64()).cast(pa.int64())
    return pc.coalesce(exact, other)


def _from_numbers(column: pa.Array, type_name: str) -> pa.Array:
    if type_name == "FLOAT":
        return column.cast(pa.float64(), safe=False).cast(pa.float32(), safe=False)
    if pa.types.is_floating(column.type):
        # Integers with gaps, which data frames store as floats: NaN is the gap.
        column = pc.if_else(pc.is_nan(column), None, column).cast(pa.int64())
    if type_name == "INT":
        return column.cast(pa.int64())
    return column.cast(pa.string()).cast(pa.binary())


def _shown(value: Any) -> str:
    if not isinstance(value, bytes):
        return repr(value)
    try:
        return repr(value.decode())
    except UnicodeDecodeError:
        return f"{value!r}, which is not UTF-8 text"

"""Columns of a query result, converted to the types of the schema by the data set's reading."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.errors import DataError
from tfxkit.values.columns import is_binary, read_exactly, stored_values, why_unreadable
from tfxkit.values.reading import ColumnReading, Reading

_FILE_TYPES = {"INT": pa.int64(), "FLOAT": pa.float64()}
_POSTGRESQL_TYPE = b"POSTGRESQL:type"
_REMEDY = "Cast it in the query, or change its type in configs/schema.pbtxt."
_PLAIN = Reading()


@dataclasses.dataclass(frozen=True)
class ColumnCast:
    """Conversion of one column.

    Attributes:
        field: The column in the result.
        how: Its reading; None for a column that the schema lacks.
        reading: Reading of the data set.
        written: Its type in the file; None if it is left out.
    """

    field: pa.Field
    how: ColumnReading | None
    reading: Reading
    written: pa.DataType | None

    @property
    def why_left_out(self) -> str:
        """Reason for a column without `written`, for people."""
        return why_unreadable(self.field.type) or "empty: the source has no type for it"


def plan_casts(schema: pa.Schema, reading: Reading | None) -> list[ColumnCast]:
    """Conversions of all columns of a result.

    Args:
        schema: Columns of the result.
        reading: Reading by the curated schema and the configuration; None to keep the types of the
            source.

    Raises:
        DataError: If a column of the schema has a type that no value of it can have.
    """
    return [_plan(field, reading or _PLAIN) for field in schema]


def cast_column(column: pa.Array, cast: ColumnCast, first_row: int) -> pa.Array:
    """Converts a part of a column.

    Numbers in text are read by the reading of the data set. Text keeps its words for missing
    values, which are for ExampleGen to read: the list of them may change.

    Args:
        column: Values as the source gives them.
        cast: Its conversion, with `written`.
        first_row: Number of the first of these rows in the result, from 1.

    Raises:
        DataError: If a value does not fit; with its row.
    """
    plain = _plain(column, cast.field)
    if cast.how is None or cast.written == pa.bool_():
        return plain
    try:
        return read_exactly(plain, cast.how, cast.reading).cast(cast.written)
    except pa.ArrowInvalid:
        place = _first_misfit(plain, cast)
        raise DataError(
            f"Row {first_row + place:,}: {cast.field.name} is {cast.how.type} in the schema, "
            f"and the source has {plain[place].as_py()!r}. {_REMEDY}"
        ) from None


def _plan(field: pa.Field, reading: Reading) -> ColumnCast:
    how = reading.columns.get(field.name)
    if why_unreadable(field.type) or (how is None and pa.types.is_null(field.type)):
        if how:
            raise DataError(
                f"{field.name} is {how.type} in the schema, and {field.type} in the source, which "
                f"cannot be read. {_REMEDY}"
            )
        return ColumnCast(field, None, reading, None)
    if _type_in_postgresql(field) == b"money":
        raise DataError(
            f"{field.name} has the type money, which PostgreSQL sends without its unit. "
            f"Write {field.name}::numeric in the query."
        )
    source = _plain(pa.schema([field]).empty_table().column(0), field).type
    if how is None:
        return ColumnCast(field, None, reading, source)
    if how.type != "BYTES":
        if pa.types.is_temporal(source):
            raise DataError(
                f"{field.name} is {how.type} in the schema, and {source} in the source. {_REMEDY}"
            )
        if _type_in_postgresql(field) == b"numeric":  # arrives as text, in the server's own form
            how, reading = how.model_copy(update={"missing": None, "parse": None}), _PLAIN
        return ColumnCast(field, how, reading, _FILE_TYPES[how.type])
    how = how.model_copy(update={"missing": (), "truth": None})
    if pa.types.is_boolean(source):  # ExampleGen spells it like the column's domain
        return ColumnCast(field, how, reading, source)
    return ColumnCast(field, how, reading, pa.binary() if is_binary(source) else pa.string())


def _plain(column: pa.Array | pa.ChunkedArray, field: pa.Field) -> pa.Array:
    """The values in a type of their own: without extensions and encodings."""
    values = stored_values(column)
    if pa.types.is_dictionary(values.type):
        values = stored_values(values.dictionary_decode())
    if pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if _type_in_postgresql(field) == b"bpchar":  # padded with blanks to its length
        return pc.utf8_rtrim(values, " ")
    return values


def _first_misfit(column: pa.Array, cast: ColumnCast) -> int:
    """Position of the first value that does not fit, by bisection."""
    start, stop = 0, len(column)
    while stop - start > 1:
        middle = (start + stop) // 2
        try:
            read_exactly(column.slice(start, middle - start), cast.how, cast.reading)
            start = middle
        except pa.ArrowInvalid:
            stop = middle
    return start


def _type_in_postgresql(field: pa.Field) -> bytes:
    return (field.metadata or {}).get(_POSTGRESQL_TYPE, b"")

"""Columns of a query result, converted to the types of the schema."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.errors import DataError
from tfxkit.values.columns import read_column, unfit
from tfxkit.values.reading import ColumnReading, Reading

_FILE_TYPES = {"INT": pa.int64(), "FLOAT": pa.float64()}
_POSTGRESQL_TYPE = b"POSTGRESQL:type"
_REMEDY = "Cast it in the query, or change its type in configs/schema.pbtxt."


@dataclasses.dataclass(frozen=True)
class ColumnCast:
    """Conversion of one column.

    Attributes:
        field: The column in the result.
        type_name: Its type in the schema; None for a column that the schema lacks.
        written: Its type in the file; None if the file cannot hold it.
    """

    field: pa.Field
    type_name: str | None
    written: pa.DataType | None


def plan_casts(schema: pa.Schema, types: Mapping[str, str]) -> list[ColumnCast]:
    """Conversions of all columns of a result.

    Args:
        schema: Columns of the result.
        types: Types of the curated schema; empty to keep those of the source.

    Raises:
        DataError: If a column of the schema has a type that no value of it can have.
    """
    return [_plan(field, types.get(field.name)) for field in schema]


def cast_column(column: pa.Array, cast: ColumnCast, first_row: int) -> pa.Array:
    """Converts a part of a column.

    Args:
        column: Values as the source gives them.
        cast: Its conversion, with `written`.
        first_row: Number of the first of these rows in the result, from 1.

    Raises:
        DataError: If a value does not fit; with its row.
    """
    plain = _plain(column, cast.field)
    if cast.type_name is None or cast.written == pa.bool_():
        return plain
    how = ColumnReading.model_validate({"type": cast.type_name})
    try:
        typed = read_column(plain, how, Reading())
        if cast.type_name == "FLOAT":  # checked as float32, written as it was
            return _as_double(plain)
        return typed.cast(cast.written)
    except pa.ArrowInvalid:
        places = unfit(plain, how, Reading())
        if not places:
            raise
        value = plain[places[0]].as_py()
        raise DataError(
            f"Row {first_row + places[0]:,}: {cast.field.name} is {cast.type_name} in the schema, "
            f"and the source has {value!r}. {_REMEDY}"
        ) from None


def _plan(field: pa.Field, type_name: str | None) -> ColumnCast:
    source = _plain_type(field)
    if source is None:
        if type_name:
            raise DataError(
                f"{field.name} is {type_name} in the schema, and {field.type} in the source, which "
                f"is not one value in a row. {_REMEDY}"
            )
        return ColumnCast(field, None, None)
    if _type_in_postgresql(field) == b"money":
        raise DataError(
            f"{field.name} has the type money, which PostgreSQL sends without its unit. "
            f"Write {field.name}::numeric in the query."
        )
    if type_name == "BYTES":
        if pa.types.is_boolean(source):  # ExampleGen spells it like the column's domain
            return ColumnCast(field, type_name, source)
        binary = pa.types.is_binary(source) or pa.types.is_large_binary(source)
        return ColumnCast(field, type_name, pa.binary() if binary else pa.string())
    return ColumnCast(field, type_name, _FILE_TYPES[type_name] if type_name else source)


def _plain_type(field: pa.Field) -> pa.DataType | None:
    """Type of `_plain`; None if a row has more or less than one value."""
    kind = field.type
    if _is_uuid(kind):
        return pa.string()
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_time(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return pa.string()
    odd = pa.types.is_nested(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind)
    return None if odd or pa.types.is_null(kind) else kind


def _plain(column: pa.Array, field: pa.Field) -> pa.Array:
    """The values in a type of which each row has one: text for times of day and UUIDs."""
    if _is_uuid(column.type):
        return pa.array(
            [value and str(uuid.UUID(bytes=value)) for value in column.storage.to_pylist()],
            pa.string(),
        )
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_time(column.type):
        texts = column.cast(pa.string())
        return pc.replace_substring_regex(texts, r"\.?0*$", "") if _has_fraction(texts) else texts
    if pa.types.is_large_string(column.type) or column.type == pa.string_view():
        column = column.cast(pa.string())
    if _type_in_postgresql(field) == b"bpchar":  # padded with blanks to its length
        return pc.utf8_rtrim(column, " ")
    return column


def _has_fraction(texts: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring(texts, ".")).as_py())


def _as_double(column: pa.Array) -> pa.Array:
    if not pa.types.is_string(column.type):
        return pc.cast(column, pa.float64(), safe=False)
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text).cast(pa.float64())


def _is_uuid(kind: pa.DataType) -> bool:
    return getattr(kind, "extension_name", "") == "arrow.uuid"


def _type_in_postgresql(field: pa.Field) -> bytes:
    return (field.metadata or {}).get(_POSTGRESQL_TYPE, b"")

"""JSON lines, one object a row, as batches of columns, with the place of each error."""

from __future__ import annotations

import codecs
import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa

from tfxkit.components.example_gen.compression import UNREADABLE, unpacked
from tfxkit.components.example_gen.csv_files import inferred_type
from tfxkit.components.example_gen.files import open_binary
from tfxkit.errors import DataError
from tfxkit.values.columns import as_bytes_text
from tfxkit.values.reading import Reading

_BATCH_ROWS = 50_000
_EXACT = 2**53  # largest whole number below which float64 holds each
_LONG_NUMBER = re.compile(rb"\d{19}")  # orjson makes a float of a number of more than 64 bits
_SHOWN = 40  # characters of a line
_TEXT_OF_NESTED = {  # by the type that is refused, with its JSON as text
    dict: pa.struct([("json", pa.string())]),
    list: pa.list_(pa.field("json", pa.string())),
}


class JsonFile:
    """A file of JSON objects, one a line, in UTF-8. Each method opens it again."""

    def __init__(self, path: str) -> None:
        """Describes the file, without opening it.

        Args:
            path: A file that ends in one of `files.JSON_SUFFIXES`.
        """
        self._path = path

    def column_names(self) -> list[str]:
        """All keys, in the order in which they appear; objects may lack some.

        Raises:
            DataError: If the file has no objects, or cannot be read.
        """
        names: dict[str, None] = {}
        for _, row in self._rows():
            if not row.keys() <= names.keys():
                names |= dict.fromkeys(row)
        if not names:
            raise DataError(f"{self._path} is empty: it has no JSON objects.")
        return list(names)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Reads columns, in the order of the file; null where an object lacks the key.

        Args:
            names: The columns to read.

        Yields:
            Batches of boolean, int64, float64 or string columns; the type of a column may differ
            from batch to batch. Values of several types are text. Objects and lists are a struct or
            a list of their JSON.

        Raises:
            DataError: If a line is no JSON object, or the file cannot be read.
        """
        rows = self._rows()
        while batch := list(itertools.islice(rows, _BATCH_ROWS)):
            columns = [self._column(name, batch) for name in names]
            yield pa.RecordBatch.from_arrays(columns, list(names))

    def guess_types(self, names: Sequence[str], reading: Reading) -> dict[str, str]:
        """INT, FLOAT or BYTES for columns that the schema lacks, from their first values."""
        try:
            batch = next(self.batches(names), None)
        except DataError:
            return {}  # `batches` meets the same error, and gives its place
        if batch is None:
            return {}
        types = {name: inferred_type(batch.column(name), reading) for name in names}
        return {name: type_name for name, type_name in types.items() if type_name}

    def place_of_row(self, row: int) -> str:
        """Line of a row, given the number of rows before it."""
        number, _ = next(itertools.islice(self._rows(), row, None))
        return f"line {number}"

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Objects with the numbers of their lines."""
        try:
            with unpacked(open_binary(self._path), self._path) as file:
                for number, line in enumerate(file, 1):
                    text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                    if not text.isspace() and text:
                        yield number, self._object(text, number)
        except UNREADABLE as error:
            raise DataError(
                f"{self._path} cannot be read as JSON lines: {error}\nReplace the file."
            ) from error

    def _object(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            value = _loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{self._path}, line {number}: {error}. Write one JSON object a line, as "
                "jq -c . does."
            ) from error
        if isinstance(value, dict):
            return value
        is_array = isinstance(value, list) and number == 1
        what = "a JSON array" if is_array else f"{line[:_SHOWN].decode()!r}, and no JSON object"
        raise DataError(
            f"{self._path}, line {number} is {what}. Write one object a line, as jq -c '.[]' does."
        )

    def _column(self, name: str, batch: Sequence[tuple[int, dict[str, Any]]]) -> pa.Array:
        values = [row.get(name) for _, row in batch]
        try:
            return _array(values)
        except UnicodeEncodeError as error:
            number = next(n for n, row in batch if not _is_text(row.get(name)))
            raise DataError(
                f"{self._path}, line {number}: {name} has half of a character, such as \\ud800. "
                "Correct it."
            ) from error


def _loads(line: bytes) -> Any:
    """A JSON value; unlike the standard, also with NaN and Infinity, as Python writes them."""
    if not _LONG_NUMBER.search(line):
        try:
            return orjson.loads(line)
        except orjson.JSONDecodeError:
            pass
    return json.loads(line.decode())


def _array(values: list[Any]) -> pa.Array:  # noqa: PLR0911 - one answer for each kind of values
    """Values of one or several types, without a loss."""
    types = {type(value) for value in values} - {type(None)}
    if nested := types & _TEXT_OF_NESTED.keys():
        kind = _TEXT_OF_NESTED[dict if dict in nested else list]
        texts = [None if v is None else json.dumps(v, ensure_ascii=False) for v in values]
        wrapped = [v and ({"json": v} if dict in nested else [v]) for v in texts]
        return pa.array(wrapped, kind)
    if not types:
        return pa.nulls(len(values))
    if types in ({bool}, {str}, {float}):
        return pa.array(values)
    if types == {int}:
        try:
            return pa.array(values, pa.int64())
        except OverflowError:
            return pa.array(map(_text, values), pa.string())
    exact = (v is None or abs(v) <= _EXACT for v in values if not isinstance(v, str | float))
    if types == {int, float} and all(exact):
        return pa.array([v if v is None else float(v) for v in values], pa.float64())
    return pa.array(map(_text, values), pa.string())


def _text(value: Any) -> str | None:
    """A value among others of another type."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return as_bytes_text(value) if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, str) else str(value)


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True

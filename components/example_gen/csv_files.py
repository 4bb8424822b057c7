"""CSV files as batches of text columns, and the errors that are found on the way."""

from __future__ import annotations

import collections
import csv
import gzip
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

from components.errors import DataError
from components.example_gen.files import open_binary

SUFFIXES = (".csv", ".csv.gz")
# A row must fit into one block; a block, its text and its examples must fit into memory.
_BLOCK_BYTES = 8 << 20
_GUESS_BYTES = 1 << 20
_UNREADABLE = (OSError, EOFError, zlib.error)  # all that a damaged or locked file can raise


def column_names(path: str) -> list[str]:
    """The names in the first line.

    Raises:
        DataError: If the file is empty, not UTF-8 or cannot be read.
    """
    with _open(path) as file:
        try:
            rows = csv.reader(line.decode("utf-8-sig") for line in file)
            names = next(filter(None, rows), None)
        except UnicodeDecodeError as error:
            raise _not_utf8(path) from error
        except (*_UNREADABLE, csv.Error) as error:
            raise _broken(path, error) from error
    if names is None:
        raise DataError(f"{path} is empty: it lacks even the line with the column names.")
    return names


def batches(path: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Reads columns as text, in the order of the file; an empty field is null.

    Args:
        path: A CSV file, separated by commas, quoted by `"`; quoted values may span lines.
        names: The columns to read.

    Yields:
        Batches of string columns. Whether they are UTF-8 is not checked.

    Raises:
        DataError: If a row has too few or too many values, or the file cannot be read.
    """
    ragged: list[pyarrow.csv.InvalidRow] = []

    def refuse(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    try:
        yield from _reader(
            path,
            _BLOCK_BYTES,
            pyarrow.csv.ConvertOptions(
                include_columns=list(names),
                column_types={name: pa.string() for name in names},
                check_utf8=False,
                null_values=[""],
                strings_can_be_null=True,
            ),
            refuse,
        )
    except pa.ArrowInvalid as error:
        if not ragged:
            if not _has_rows(path):
                return  # Arrow calls a header without a line break after it an error
            raise _broken(path, error) from error
        # Arrow counts the header as the first of its rows.
        where = place_of_row(path, ragged[0].number - 2)
        raise DataError(
            f"{path}, {where}: the header names {ragged[0].expected_columns} columns, this row has "
            f"{ragged[0].actual_columns} values: {ragged[0].text[:200]!r}\n"
            'Mend the row. A value that contains a comma or a quote must be put in quotes: "a, b".'
        ) from error
    except _UNREADABLE as error:
        raise _broken(path, error) from error


def guess_types(path: str, names: Sequence[str]) -> dict[str, str]:
    """The types that the first rows suggest for columns that no schema knows.

    Returns:
        INT, FLOAT or BYTES for each of the columns that has a value in the first rows.
    """
    convert = pyarrow.csv.ConvertOptions(include_columns=list(names), null_values=[""])
    try:
        fields = _reader(path, _GUESS_BYTES, convert).schema
    except (pa.ArrowInvalid, *_UNREADABLE):
        return {}  # batches stumbles over the same, and says where
    guesses = {pa.int64(): "INT", pa.float64(): "FLOAT"}
    return {f.name: guesses.get(f.type, "BYTES") for f in fields if not pa.types.is_null(f.type)}


def place_of_row(path: str, row: int) -> str:
    """Where to find a row in an editor: its last line, which quoted line breaks move.

    Args:
        path: A CSV file.
        row: The number of rows before it, without the header.
    """
    with _open(path) as file:
        rows = csv.reader(line.decode("utf-8", errors="replace") for line in file)
        try:
            collections.deque(itertools.islice(filter(None, rows), row + 2), maxlen=0)
        except csv.Error:  # a field that is longer than this reader takes
            return f"row {row + 1} after the header"
        return f"line {rows.line_num}"


def _has_rows(path: str) -> bool:
    with _open(path) as file:
        rows = csv.reader(line.decode("utf-8", errors="replace") for line in file)
        return len(list(itertools.islice(filter(None, rows), 2))) > 1


def _reader(
    path: str,
    block_bytes: int,
    convert: pyarrow.csv.ConvertOptions,
    invalid_row_handler: Any = None,
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        _open(path),
        # Threads would take the row numbers from the error messages.
        pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
        pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=invalid_row_handler),
        convert,
    )


def _open(path: str) -> BinaryIO:
    file = open_binary(path)
    return gzip.open(file) if path.endswith(".gz") else file  # type: ignore[return-value]


def _not_utf8(path: str) -> DataError:
    return DataError(f"{path} is not UTF-8 text. Convert it, for instance with iconv.")


def _broken(path: str, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as CSV: {error}\nMend or replace the file.")

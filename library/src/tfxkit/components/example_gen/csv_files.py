"""CSV files as batches of text columns, and the errors that are found on the way."""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tfxkit.components.example_gen.text_files import open_utf8
from tfxkit.config.csv_format import CsvFormat
from tfxkit.errors import DataError

SUFFIXES = (".csv", ".csv.gz")
# A row must fit into one block; a block, its text and its examples must fit into memory.
_BLOCK_BYTES = 8 << 20
_GUESS_BYTES = 1 << 20
_SHOWN = 5  # rows in a message
_SHOWN_CHARACTERS = 100
_UNREADABLE = (OSError, EOFError, zlib.error)  # all that a damaged or locked file can raise


class CsvFile:
    """One file; it is opened anew by each of the methods."""

    def __init__(
        self, path: str, csv_format: CsvFormat, pieces: Sequence[tuple[int, int]] | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            path: A file that ends in one of `SUFFIXES`.
            csv_format: Delimiter, quote, encoding and words for missing values.
            pieces: The bytes that `batches` reads, header first; None for all of them.
        """
        self._path = path
        self._format = csv_format
        self._pieces = pieces

    def column_names(self) -> list[str]:
        """The names in the first line.

        Raises:
            DataError: If the file is empty, of another encoding or cannot be read.
        """
        try:
            names = _header(self._path, self._format)
        except (*_UNREADABLE, csv.Error) as error:
            raise self._broken(error) from error
        if names is None:
            raise DataError(f"{self._path} is empty: it lacks even the line with the column names.")
        return names

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Reads columns as text, in the order of the file; a missing value is null.

        Args:
            names: The columns to read.

        Yields:
            Batches of string columns.

        Raises:
            DataError: If rows have too few or too many values, or the file cannot be read.
        """
        if self._pieces is not None and not self._pieces:
            return
        try:
            yield from self._reader(
                _BLOCK_BYTES,
                pyarrow.csv.ConvertOptions(
                    include_columns=list(names),
                    column_types={name: pa.string() for name in names},
                    check_utf8=False,  # it was found to be UTF-8 already
                    null_values=["", *self._format.missing],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            if self._pieces is not None:
                raise self._broken(error) from error  # where it is shows only in the whole file
            if not _has_rows(self._path, self._format):
                return  # Arrow calls a header without a line break after it an error
            raise (ragged(self._path, self._format) or self._broken(error)) from error
        except _UNREADABLE as error:
            raise self._broken(error) from error

    def guess_types(self, names: Sequence[str]) -> dict[str, str]:
        """The types that the first rows suggest for columns that no schema knows.

        Returns:
            INT, FLOAT or BYTES for each of the columns that has a value in the first rows.
        """
        convert = pyarrow.csv.ConvertOptions(
            include_columns=list(names),
            null_values=["", *self._format.missing],
            decimal_point=self._format.decimal,
        )
        try:
            fields = self._reader(_GUESS_BYTES, convert).schema
        except (pa.ArrowInvalid, *_UNREADABLE):
            return {}  # batches stumbles over the same, and says where
        types = {pa.int64(): "INT", pa.float64(): "FLOAT"}
        return {f.name: types.get(f.type, "BYTES") for f in fields if not pa.types.is_null(f.type)}

    def place_of_row(self, row: int) -> str:
        """The line of a row, given the number of rows before it."""
        if self._pieces is not None:
            return f"row {row + 1} of a part"
        return _place_of_row(self._path, self._format, row)

    def _reader(
        self, block_bytes: int, convert: pyarrow.csv.ConvertOptions
    ) -> pyarrow.csv.CSVStreamingReader:
        return pyarrow.csv.open_csv(
            open_utf8(self._path, self._format.encoding, self._pieces),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
            pyarrow.csv.ParseOptions(
                delimiter=self._format.delimiter,
                quote_char=self._format.quote or False,
                newlines_in_values=bool(self._format.quote),
            ),
            convert,
        )

    def _broken(self, error: Exception) -> DataError:
        return DataError(
            f"{self._path} cannot be read as CSV: {error}\nCorrect or replace the file."
        )


def ragged(path: str, csv_format: CsvFormat) -> DataError | None:
    """An error that counts the rows with too few or too many values, and shows the first."""
    shown, count = [], 0
    with _rows(path, csv_format) as rows, contextlib.suppress(csv.Error):
        width = len(next(filter(None, rows), []))
        for row in filter(None, rows):
            if len(row) == width:
                continue
            count += 1
            if count <= _SHOWN:
                text = csv_format.delimiter.join(row)[:_SHOWN_CHARACTERS]
                shown.append(f"  line {rows.line_num} has {len(row)}: {text!r}")
    if not count:
        return None
    rest = [f"  and {count - _SHOWN} more"] if count > _SHOWN else []
    return DataError(
        "\n".join(
            [
                f"{path}: the header names {width} columns, but {count} "
                f"row{'s have' if count > 1 else ' has'} more or fewer values:",
                *shown,
                *rest,
                f"Correct them. A value that contains {csv_format.delimiter!r} must be in quotes.",
            ]
        )
    )


def _header(path: str, csv_format: CsvFormat) -> list[str] | None:
    """The values of the first row that is not blank; None if there is none."""
    with _rows(path, csv_format) as rows:
        return next(filter(None, rows), None)


def _has_rows(path: str, csv_format: CsvFormat) -> bool:
    """True if there is anything after the header."""
    with _rows(path, csv_format) as rows:
        return len(list(itertools.islice(filter(None, rows), 2))) > 1


def _place_of_row(path: str, csv_format: CsvFormat, row: int) -> str:
    """The line on which a row ends, for an editor; line breaks in quotes count.

    Args:
        path: A CSV file.
        csv_format: Delimiter, quote, encoding and words for missing values.
        row: The number of rows before it, without the header.
    """
    with _rows(path, csv_format) as rows:
        try:
            collections.deque(itertools.islice(filter(None, rows), row + 2), maxlen=0)
        except csv.Error:  # a field that is longer than this reader takes
            return f"row {row + 1} after the header"
        return f"line {rows.line_num}"


@contextlib.contextmanager
def _rows(path: str, csv_format: CsvFormat) -> Iterator[Any]:
    """The rows of a file with Python's reader, which is slower than Arrow's, but counts lines."""
    with (
        open_utf8(path, csv_format.encoding) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text,
    ):
        yield csv.reader(
            text,
            delimiter=csv_format.delimiter,
            quotechar=csv_format.quote or None,
            quoting=csv.QUOTE_MINIMAL if csv_format.quote else csv.QUOTE_NONE,
        )

"""CSV files as batches of text columns, and the errors that are found on the way."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.csv

from components.example_gen import csv_rows
from components.example_gen.text_files import open_utf8
from tfxkit.config.csv_format import CsvFormat
from tfxkit.errors import DataError

SUFFIXES = (".csv", ".csv.gz")
# A row must fit into one block; a block, its text and its examples must fit into memory.
_BLOCK_BYTES = 8 << 20
_GUESS_BYTES = 1 << 20
_UNREADABLE = (OSError, EOFError, zlib.error)  # all that a damaged or locked file can raise


class CsvFile:
    """One file; it is opened anew by each of the methods."""

    def __init__(
        self, path: str, how: CsvFormat, pieces: Sequence[tuple[int, int]] | None = None
    ) -> None:
        """Opens nothing yet.

        Args:
            path: A file that ends in one of `SUFFIXES`.
            how: How it is written.
            pieces: The bytes that `batches` reads, header first; None for all of them.
        """
        self._path = path
        self._how = how
        self._pieces = pieces

    def column_names(self) -> list[str]:
        """The names in the first line.

        Raises:
            DataError: If the file is empty, of another encoding or cannot be read.
        """
        try:
            names = csv_rows.header(self._path, self._how)
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
                    null_values=["", *self._how.missing],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid as error:
            if self._pieces is not None:
                raise self._broken(error) from error  # where it is shows only in the whole file
            if not csv_rows.has_rows(self._path, self._how):
                return  # Arrow calls a header without a line break after it an error
            raise (csv_rows.ragged(self._path, self._how) or self._broken(error)) from error
        except _UNREADABLE as error:
            raise self._broken(error) from error

    def guess_types(self, names: Sequence[str]) -> dict[str, str]:
        """The types that the first rows suggest for columns that no schema knows.

        Returns:
            INT, FLOAT or BYTES for each of the columns that has a value in the first rows.
        """
        convert = pyarrow.csv.ConvertOptions(
            include_columns=list(names),
            null_values=["", *self._how.missing],
            decimal_point=self._how.decimal,
        )
        try:
            fields = self._reader(_GUESS_BYTES, convert).schema
        except (pa.ArrowInvalid, *_UNREADABLE):
            return {}  # batches stumbles over the same, and says where
        types = {pa.int64(): "INT", pa.float64(): "FLOAT"}
        return {f.name: types.get(f.type, "BYTES") for f in fields if not pa.types.is_null(f.type)}

    def place_of_row(self, row: int) -> str:
        """Where to find a row in an editor, given the number of rows before it."""
        if self._pieces is not None:
            return f"row {row + 1} of a part"
        return csv_rows.place_of_row(self._path, self._how, row)

    def _reader(
        self, block_bytes: int, convert: pyarrow.csv.ConvertOptions
    ) -> pyarrow.csv.CSVStreamingReader:
        return pyarrow.csv.open_csv(
            open_utf8(self._path, self._how.encoding, self._pieces),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=block_bytes),
            pyarrow.csv.ParseOptions(
                delimiter=self._how.delimiter,
                quote_char=self._how.quote or False,
                newlines_in_values=bool(self._how.quote),
            ),
            convert,
        )

    def _broken(self, error: Exception) -> DataError:
        return DataError(f"{self._path} cannot be read as CSV: {error}\nMend or replace the file.")

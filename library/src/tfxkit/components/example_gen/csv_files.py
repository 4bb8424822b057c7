"""CSV files in any encoding, as batches of text columns, with the place of each error."""

from __future__ import annotations

import codecs
import collections
import contextlib
import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tfxkit.components.example_gen.files import open_binary, open_pieces
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError
from tfxkit.values.inference import infer
from tfxkit.values.number_forms import DecimalSign
from tfxkit.values.reading import Reading

# A row must fit into one block; a block, its text and its examples must fit into memory.
BLOCK_BYTES = 8 << 20
_GUESS_BYTES = 1 << 20
_SHOWN = 5  # rows in a message
_SHOWN_CHARACTERS = 100  # of each of them
_SHOWN_BEFORE = 20  # characters before one that is no text
CHUNK_BYTES = 1 << 20  # decoded at once
_UNREADABLE = (OSError, EOFError, zlib.error)  # errors of a damaged or locked file


class CsvFile:
    """A CSV file. Each method opens it again."""

    def __init__(
        self, path: str, csv_format: CsvFormat, pieces: Sequence[tuple[int, int]] | None = None
    ) -> None:
        """Describes the file, without opening it.

        Args:
            path: A file that ends in one of `files.CSV_SUFFIXES`.
            csv_format: Delimiter, quote, encoding and words for missing values.
            pieces: Ranges of bytes that `batches` reads, header first; None for the whole file.
        """
        self._path = path
        self._format = csv_format
        self._pieces = pieces

    def column_names(self) -> list[str]:
        """Names in the first line.

        Raises:
            DataError: If the file is empty, in another encoding or unreadable.
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
            yield from self._reader(BLOCK_BYTES, self._as_text(names))
        except pa.ArrowInvalid as error:
            if self._pieces is not None:
                raise self._broken(error) from error  # only the whole file gives the place
            if not _has_rows(self._path, self._format):
                return  # Arrow calls a header without a line break after it an error
            raise (ragged(self._path, self._format) or self._broken(error)) from error
        except _UNREADABLE as error:
            raise self._broken(error) from error

    def guess_types(self, names: Sequence[str], reading: Reading) -> dict[str, str]:
        """Infers the types of columns that the schema lacks from the first rows.

        Args:
            names: These columns.
            reading: Missing words and decimal sign of the data set.

        Returns:
            INT, FLOAT or BYTES for each column with a value in these rows.
        """
        try:
            batch = next(self._reader(_GUESS_BYTES, self._as_text(names)), None)
        except (pa.ArrowInvalid, *_UNREADABLE):
            return {}  # `batches` meets the same error, and gives its place
        if batch is None:
            return {}
        columns = {name: _read_as(batch.column(name), reading) for name in names}
        return {name: type_name for name, type_name in columns.items() if type_name}

    def place_of_row(self, row: int) -> str:
        """Line of a row, given the number of rows before it."""
        if self._pieces is not None:
            return f"row {row + 1} of a part"
        return _place_of_row(self._path, self._format, row)

    def _as_text(self, names: Sequence[str]) -> pyarrow.csv.ConvertOptions:
        return pyarrow.csv.ConvertOptions(
            include_columns=list(names),
            column_types={name: pa.string() for name in names},
            check_utf8=False,  # decoded by `open_utf8`
            null_values=["", *self._format.missing],
            strings_can_be_null=True,
        )

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


def _read_as(column: pa.Array, reading: Reading) -> str | None:
    """Type of a column of text; None if it has no value."""
    inferred = infer(column, DecimalSign(reading.decimal, certain=True), reading.missing).reading
    if inferred is None:
        return None
    return "BYTES" if inferred.parse else inferred.type


def ragged(path: str, csv_format: CsvFormat) -> DataError | None:
    """Error that counts the rows with too few or too many values, and shows the first of them."""
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
    """Values of the first row that is not blank; None if there is none."""
    with _rows(path, csv_format) as rows:
        return next(filter(None, rows), None)


def _has_rows(path: str, csv_format: CsvFormat) -> bool:
    """True if there is anything after the header."""
    with _rows(path, csv_format) as rows:
        return len(list(itertools.islice(filter(None, rows), 2))) > 1


def _place_of_row(path: str, csv_format: CsvFormat, row: int) -> str:
    """Line on which a row ends, as an editor counts: with line breaks in quotes.

    Args:
        path: A CSV file.
        csv_format: Delimiter, quote, encoding and words for missing values.
        row: Number of rows before it, without the header.
    """
    with _rows(path, csv_format) as rows:
        try:
            collections.deque(itertools.islice(filter(None, rows), row + 2), maxlen=0)
        except csv.Error:  # a field that is longer than this reader takes
            return f"row {row + 1} after the header"
        return f"line {rows.line_num}"


@contextlib.contextmanager
def _rows(path: str, csv_format: CsvFormat) -> Iterator[Any]:
    """Rows of a file from Python's reader, which is slower than Arrow's, but counts lines."""
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


def open_utf8(
    path: str, encoding: str, pieces: Sequence[tuple[int, int]] | None = None
) -> io.BufferedReader:
    """Opens a file for reading as UTF-8, decompressed if its name ends in `.gz`.

    Args:
        path: A local path, or an address like gs:// or s3://.
        encoding: Name of the codec that its text was written with.
        pieces: Ranges of an uncompressed file to read, see `open_pieces`; None for the whole file.

    Raises:
        DataError: Here or on reading, if the file does not exist or is not in this encoding.
    """
    raw: Any = open_binary(path) if pieces is None else open_pieces(path, pieces)
    file = gzip.GzipFile(fileobj=raw) if path.endswith(".gz") else raw
    return io.BufferedReader(_Utf8(path, file, encoding), CHUNK_BYTES)


class _Utf8(io.RawIOBase):
    """Text recoded to UTF-8; UTF-8 is decoded, too, to find bytes that are not."""

    def __init__(self, path: str, file: io.BufferedIOBase, encoding: str) -> None:
        self._path, self._file, self._encoding = path, file, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting = b""  # UTF-8 not read yet
        self._bytes = self._lines = 0  # decoded so far
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and not self._ended:
            chunk = self._file.read(CHUNK_BYTES)
            self._ended = not chunk
            self._waiting = self._decode(chunk).encode()
        data, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _decode(self, chunk: bytes) -> str:
        before = len(self._decoder.getstate()[0])  # of a character that is not complete
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(self._encoding, errors="replace")
            raise self._not_text(self._bytes - before + error.start, good, chunk) from error
        except UnicodeError as error:  # utf-16 and utf-32 without a byte order mark
            raise self._not_text(0, "", chunk) from error
        if "\0" in text:
            good = text[: text.index("\0")]
            start = self._bytes + len(good.encode(self._encoding, errors="replace"))
            raise self._not_text(start, good, chunk)
        self._bytes += len(chunk)
        self._lines += text.count("\n")
        return text

    def _not_text(self, offset: int, before: str, sample: bytes) -> DataError:
        line = before.rpartition("\n")[2]
        where = f"line {self._lines + before.count(chr(10)) + 1} (byte {offset})"
        after = f" after {line[-_SHOWN_BEFORE:]!r}" if line else ""
        if not sample:
            advice = "It ends within a character: is it whole?"
        elif likely := _likely_encoding(sample, self._encoding):
            advice = f"It may be {likely}: set data.csv.encoding to that, or save it as UTF-8."
        else:
            advice = "Is it text at all? Then set data.csv.encoding, or save it as UTF-8."
        return DataError(
            f"{self._path}, {where}: what stands there{after} is not {self._encoding} text.\n"
            f"{advice}"
        )

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _likely_encoding(sample: bytes, encoding: str) -> str | None:
    """Likely encoding of some bytes, other than the one given; None if they are no text."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:  # every second byte of mostly ASCII text in UTF-16
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        half = len(sample) // 4
        return "utf-16-le" if odd > half > even else "utf-16-be" if even > half > odd else None
    if any(byte < ord(" ") and byte not in b"\t\n\r\f\v\x1a" for byte in sample):
        return None
    for candidate in ("utf-8", "cp1252", "iso8859-1"):
        try:
            codecs.getincrementaldecoder(candidate)().decode(sample)
        except UnicodeDecodeError:
            continue
        if candidate != encoding:
            return candidate
    return None

"""CSV files in any encoding, as batches of text columns, with the place of each error."""

from __future__ import annotations

import codecs
import collections
import contextlib
import csv
import dataclasses
import functools
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tfxkit.components.example_gen.compression import UNREADABLE, unpacked
from tfxkit.components.example_gen.files import open_binary, open_pieces
from tfxkit.components.example_gen.framing import MARK, open_framed
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError
from tfxkit.values import charsets
from tfxkit.values.columns import missing_mask
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
_DOS_END = "\x1a"  # closes the files of some old programs


@dataclasses.dataclass(frozen=True)
class _Frame:
    """Columns of a file, by its first two rows.

    Attributes:
        names: Names of the columns.
        in_file: True if a row of the file has the names.
        unnamed: Number of columns without a name and without values after them: each line ends
            with a delimiter, or several.
        is_longer: True if only the rows below the header end with this delimiter.
    """

    names: tuple[str, ...]
    in_file: bool
    unnamed: int
    is_longer: bool = False

    @classmethod
    def given(cls, names: Sequence[str] | Literal["none"], first: Sequence[str] | None) -> Self:
        """Columns whose names are not in the file.

        Args:
            names: Their names, or `none`.
            first: The first row that is not blank, if there is one.
        """
        row = first or ()
        if names == "none":
            return cls(tuple(f"column_{number}" for number in range(1, len(row) + 1)), False, 0)
        more = row[len(names) :]
        unnamed = 0 if any(value.strip() for value in more) else len(more)
        return cls(tuple(names), False, unnamed)

    @classmethod
    def of(cls, header: Sequence[str], first: Sequence[str] | None) -> Self:
        """Derives the columns.

        Args:
            header: The first row that is not blank.
            first: The row below it, if there is one.
        """
        width = len(header)
        while width > 1 and not header[width - 1].strip():
            width -= 1
        if first is not None and any(value.strip() for value in first[width : len(header)]):
            width = len(header)  # a column that lacks its name
        is_longer = (
            first is not None
            and len(first) == len(header) + 1
            and len(header) > 1
            and not first[-1].strip()
        )
        unnamed = len(header) - width + is_longer
        return cls(tuple(header[:width]), True, unnamed, is_longer)

    @property
    def width(self) -> int:
        """Number of values in a row below the header."""
        return len(self.names) + self.unnamed

    def repeats(self, row: Sequence[str]) -> bool:
        """True for a row that repeats the names, as where files were joined."""
        first, *others = row[: len(self.names)]
        return first in _spellings(self.names[0]) and tuple(others) == self.names[1:]


def _spellings(name: str) -> tuple[str, ...]:
    """A name where it repeats the header; a byte order mark hides the quotes behind it."""
    return (name, f"{MARK}{name}", f'{MARK}"{name}"')


class CsvFile:
    """A CSV file. Each method opens it again.

    Attributes:
        repeated_headers: Number of rows that repeat the header, and that `batches` left out so far.
    """

    def __init__(
        self, path: str, csv_format: CsvFormat, pieces: Sequence[tuple[int, int]] | None = None
    ) -> None:
        """Describes the file, without opening it.

        Args:
            path: A file that ends in one of `files.CSV_SUFFIXES`.
            csv_format: Delimiter, quote, encoding and words for missing values.
            pieces: Ranges of bytes that `batches` reads, header first; None for the whole file.
        """
        self.repeated_headers = 0
        self._path = path
        self._format = csv_format
        self._pieces = pieces

    def column_names(self) -> list[str]:
        """Names in the first line.

        Raises:
            DataError: If the file is empty, in another encoding or unreadable.
        """
        return list(self._frame.names)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Reads columns as text, in the order of the file; a missing value is null.

        Rows that repeat the header are left out.

        Args:
            names: The columns to read.

        Yields:
            Batches of string columns.

        Raises:
            DataError: If rows have too few or too many values, if there are values in a column
                without a name, or if the file cannot be read.
        """
        if self._pieces is not None and not self._pieces:
            return
        frame = self._frame
        try:
            yield from self._rows_below_header(frame, list(names), BLOCK_BYTES)
        except pa.ArrowInvalid as error:
            if self._pieces is not None:
                raise self._broken(error) from error  # only the whole file gives the place
            if not self._has_rows():
                return  # Arrow calls a header without a line break after it an error
            raise (self._ragged(frame) or self._too_long() or self._broken(error)) from error
        except UNREADABLE as error:
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
            batch = next(self._rows_below_header(self._frame, list(names), _GUESS_BYTES), None)
        except (DataError, pa.ArrowInvalid, *UNREADABLE):
            return {}  # `batches` meets the same error, and gives its place
        if batch is None:
            return {}
        columns = {name: inferred_type(batch.column(name), reading) for name in names}
        return {name: type_name for name, type_name in columns.items() if type_name}

    def place_of_row(self, row: int) -> str:
        """Line on which a row ends, as an editor counts: with line breaks in quotes.

        Args:
            row: Number of rows before it that `batches` yields.
        """
        if self._pieces is not None:
            return f"row {row + 1} of a part"
        frame = self._frame
        with _rows(self._path, self._format) as rows:
            below = (each for each in filter(None, rows) if not frame.repeats(each))
            collections.deque(itertools.islice(below, row + 1), maxlen=0)
            return f"line {rows.line_num}"

    @functools.cached_property
    def _frame(self) -> _Frame:
        try:
            with _rows(self._path, self._format) as rows:
                header, first = [*itertools.islice(filter(None, rows), 2), None, None][:2]
            if header is not None and first is None and self._format.header is None:
                _refuse_open_quote(self._path, self._format)
        except (*UNREADABLE, csv.Error) as error:
            raise self._broken(error) from error
        if self._format.header is not None and (header or self._format.header != "none"):
            return _Frame.given(self._format.header, header)
        if header is None:
            raise DataError(f"{self._path} is empty: it lacks even the line with the column names.")
        return _Frame.of(header, first)

    def _rows_below_header(
        self, frame: _Frame, names: list[str], block_bytes: int
    ) -> Iterator[pa.RecordBatch]:
        """Batches of some columns, without headers and without columns that have no name."""
        unnamed = [f"\0{number}" for number in range(frame.unnamed)]
        before = yielded = 0
        # Where names are given to Arrow, the header is the first row.
        above = int(frame.in_file and bool(unnamed) and not frame.is_longer)
        for whole in self._reader(frame, [*names, *unnamed], block_bytes):
            batch = whole.slice(above)
            repeats = self._repeats(batch, names, before)
            above, before = 0, before + batch.num_rows
            if repeats:
                keep = np.ones(batch.num_rows, bool)
                keep[repeats] = False
                batch = batch.filter(pa.array(keep))
                self.repeated_headers += len(repeats)
            for place, column in enumerate(batch.columns[len(names) :], len(frame.names) + 1):
                self._refuse_values(column, place, yielded)
            yielded += batch.num_rows
            yield batch.select(names)

    def _repeats(self, batch: pa.RecordBatch, names: Sequence[str], before: int) -> list[int]:
        """Rows of a batch that repeat the header, given the number of rows before it."""
        like = None
        for name in names:
            equal = pc.is_in(batch.column(name), pa.array(_spellings(name)))
            like = equal if like is None else pc.and_(like, equal)
            if not pc.any(like).as_py():
                return []
        # Perhaps only in the columns that are read.
        return [row - before for row in self._repeated if before <= row < before + batch.num_rows]

    @functools.cached_property
    def _repeated(self) -> list[int]:
        """Numbers of the rows below the header that repeat it."""
        frame = self._frame
        with _rows(self._path, self._format, self._pieces) as rows:
            below = itertools.islice(filter(None, rows), int(frame.in_file), None)
            return [number for number, row in enumerate(below) if frame.repeats(row)]

    def _refuse_values(self, column: pa.Array, number: int, before: int) -> None:
        """Refuses values in a column that has no name."""
        present = pc.invert(missing_mask(column))
        if (row := pc.index(present, True).as_py()) >= 0:
            raise DataError(
                f"{self._path}, {self.place_of_row(before + row)}: {column[row].as_py()!r} is in "
                f"column {number}, which has no name. Name the column, or remove the value."
            )

    def _reader(
        self, frame: _Frame, names: Sequence[str], block_bytes: int
    ) -> pyarrow.csv.CSVStreamingReader:
        file, csv_format = open_csv(self._path, self._format, self._pieces)
        unnamed = names[len(names) - frame.unnamed :]
        all_names = None if frame.in_file and not unnamed else [*frame.names, *unnamed]
        return pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(
                use_threads=False, block_size=block_bytes, column_names=all_names
            ),
            pyarrow.csv.ParseOptions(
                delimiter=csv_format.delimiter,
                quote_char=csv_format.quote or False,
                newlines_in_values=bool(csv_format.quote),
                invalid_row_handler=_without_header(frame) if frame.is_longer else None,
            ),
            pyarrow.csv.ConvertOptions(
                include_columns=list(names),
                column_types={name: pa.string() for name in names},
                check_utf8=False,  # decoded by `open_csv`
                null_values=["", *csv_format.missing],
                strings_can_be_null=True,
            ),
        )

    def _has_rows(self) -> bool:
        """True if there is anything after the header."""
        above = int(self._frame.in_file)
        with _rows(self._path, self._format) as rows:
            return len(list(itertools.islice(filter(None, rows), above + 1))) > above

    def _ragged(self, frame: _Frame) -> DataError | None:
        """Error that counts the rows with too few or too many values, and shows the first ones."""
        shown, count = [], 0
        with _rows(self._path, self._format) as rows, contextlib.suppress(csv.Error):
            if frame.in_file:
                next(filter(None, rows), None)
            for row in filter(None, rows):
                if len(row) == frame.width or frame.repeats(row):
                    continue
                count += 1
                if count <= _SHOWN:
                    text = self._format.delimiter.join(row)[:_SHOWN_CHARACTERS]
                    shown.append(f"  line {rows.line_num} has {len(row)}: {text!r}")
        if not count:
            return None
        source = "the header" if frame.in_file else "data.csv.header"
        rest = [f"  and {count - _SHOWN} more"] if count > _SHOWN else []
        return DataError(
            "\n".join(
                [
                    f"{self._path}: {source} names {len(frame.names)} columns, but {count} "
                    f"row{'s have' if count > 1 else ' has'} more or fewer values:",
                    *shown,
                    *rest,
                    "Correct them. A value that contains "
                    f"{self._format.delimiter!r} must be in quotes.",
                ]
            )
        )

    def _too_long(self) -> DataError | None:
        """Error with the first row that is longer than a block."""
        with _rows(self._path, self._format) as rows, contextlib.suppress(csv.Error):
            line = 1
            for row in rows:
                if sum(len(value.encode()) + 1 for value in row) >= BLOCK_BYTES:
                    return DataError(
                        f"{self._path}: the row that starts in line {line} is longer than "
                        f"{BLOCK_BYTES >> 20} MiB. Is a quote in it never closed? Shorten the "
                        "row, or leave out its longest column."
                    )
                line = rows.line_num + 1
        return None

    def _broken(self, error: Exception) -> DataError:
        return DataError(
            f"{self._path} cannot be read as CSV: {error}\nCorrect or replace the file."
        )


def _without_header(frame: _Frame) -> Callable[[pyarrow.csv.InvalidRow], str]:
    """Handler of rows of another length: the header lacks the delimiter at its end."""
    waiting = [frame.width - 1]

    def handle(row: pyarrow.csv.InvalidRow) -> str:
        is_header = bool(waiting) and row.actual_columns == waiting.pop()
        return "skip" if is_header else "error"

    return handle


def inferred_type(column: pa.Array, reading: Reading) -> str | None:
    """Type of a column of text; None if it has no value."""
    inferred = infer(column, DecimalSign(reading.decimal, certain=True), reading.missing).reading
    if inferred is None:
        return None
    return "BYTES" if inferred.parse else inferred.type


def _refuse_open_quote(path: str, csv_format: CsvFormat) -> None:
    """Raises `csv.Error` if the only row of a file ends within quotes."""
    with _rows(path, csv_format, strict=True) as rows:
        try:
            collections.deque(rows, maxlen=0)
        except csv.Error as error:
            if str(error) == "unexpected end of data":
                raise csv.Error("a quote is never closed") from error


@contextlib.contextmanager
def _rows(
    path: str,
    csv_format: CsvFormat,
    pieces: Sequence[tuple[int, int]] | None = None,
    *,
    strict: bool = False,
) -> Iterator[Any]:
    """Rows of a file from Python's reader, which is slower than Arrow's, but counts lines."""
    file, plain = open_csv(path, csv_format, pieces)
    with file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield csv.reader(
            text,
            delimiter=plain.delimiter,
            quotechar=plain.quote or None,
            quoting=csv.QUOTE_MINIMAL if plain.quote else csv.QUOTE_NONE,
            strict=strict,
        )


def open_csv(
    path: str, csv_format: CsvFormat, pieces: Sequence[tuple[int, int]] | None = None
) -> tuple[io.BufferedReader, CsvFormat]:
    """Opens a file for reading as UTF-8; one that its name calls compressed, unpacked.

    Args:
        path: A local path, or an address like gs:// or s3://.
        csv_format: Format of the data set.
        pieces: Ranges of an uncompressed file to read, see `open_pieces`; None for the whole file.

    Returns:
        The text without lines that are no rows, and its format, see `open_framed`.

    Raises:
        DataError: Here or on reading, if the file does not exist or is not in this encoding.
    """
    raw: Any = open_binary(path) if pieces is None else open_pieces(path, pieces)
    framed, plain = open_framed(_Utf8(path, unpacked(raw, path), csv_format.encoding), csv_format)
    return io.BufferedReader(framed, CHUNK_BYTES), plain


class _Utf8(io.RawIOBase):
    """Text recoded to UTF-8; UTF-8 is decoded, too, to find bytes that are not."""

    def __init__(self, path: str, file: BinaryIO, encoding: str) -> None:
        self._path, self._file, self._encoding = path, file, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting = b""  # UTF-8 not read yet
        self._held = ""
        self._bytes = self._lines = 0  # decoded so far
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and not self._ended:
            chunk = self._file.read(CHUNK_BYTES)
            self._ended = not chunk
            text = self._held + self._decode(chunk)
            kept = text.rstrip(_DOS_END)
            self._held = text[len(kept) :]  # left out at the end of the file
            self._waiting = kept.encode()
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
        return DataError(
            f"{self._path}, {where}: what stands there{after} is not {self._encoding} text.\n"
            f"{charsets.advice(sample, self._encoding)}"
        )

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

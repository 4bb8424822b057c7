"""Data files on any file system of TFX: names by format, opened for Arrow, cut into parts.

The parts of a large file are read by one worker each, and written as one shard each. Their number
depends on the size of the file alone, not on the number of workers, so an artifact is the same on
any engine. Their rows, one part after the other, are those of the file.

A CSV file is cut where rows start, and these places are found in ranges of bytes that are scanned
independently of each other. A line break within quotes ends no row, and whether a byte is within
quotes depends on all quotes before it. So each range is scanned for both cases, and its quotes are
counted; their sum over the ranges before it decides between the cases.

That holds as long as an opening quote stands where a value starts, or behind another quote, as two
stand for one: in `5" disk,7" disk` quotes are ordinary characters. `RangeScan.regular` is False
for such a file, and one worker reads all of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfxkit.components.example_gen import compression
from tfxkit.components.example_gen.framing import has_other_lines, sep_line
from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError, StorageError
from tfxkit.storage.filesystems import fileio

logger = logging.getLogger(__name__)

CSV_SUFFIXES = (".csv", *(f".csv{suffix}" for suffix in compression.SUFFIXES))
JSON_SUFFIXES = tuple(
    f"{end}{suffix}" for end in (".jsonl", ".ndjson") for suffix in ("", *compression.SUFFIXES)
)
PARQUET_SUFFIXES = (".parquet",)
SUFFIXES = CSV_SUFFIXES + JSON_SUFFIXES + PARQUET_SUFFIXES
# A part takes one core some seconds; and each is a file more for the steps that come after.
PART_BYTES = 32 << 20
_PLAIN_CSV = ".csv"  # a compressed file can only be read from its start
_ENCODING = "utf-8"  # no byte of a longer character is a line break or a quote
CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 12  # blank lines before the header, at most
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_BREAKS = b"\r\n"
_BYTE_VALUES = 256
_CASES = (0, 1)  # quotes before a range, modulo 2: outside of quotes, inside


@contextlib.contextmanager
def unreachable_data() -> Iterator[None]:
    """Treats unreachable storage like an unreadable file: the step stops.

    Raises:
        DataError: If the storage cannot be reached, or refuses access.
    """
    try:
        yield
    except StorageError as error:
        raise DataError(str(error)) from error


def open_binary(path: str) -> io.BufferedReader:
    """Opens a file for reading, with all the methods of a Python file.

    TFX opens files through TensorFlow, whose GFile lacks an attribute that pyarrow needs (`closed`)
    and raises its own errors instead of OSError.

    Args:
        path: A local path, or an address like gs:// or s3://.

    Raises:
        DataError: Here or on reading, if the file does not exist or its storage cannot be reached.
    """
    try:
        with unreachable_data():
            return io.BufferedReader(_Raw(fileio.open(path, "rb")), buffer_size=1 << 20)
    except fileio.NotFoundError as error:  # on S3; TensorFlow raises it on reading
        raise DataError(f"There is no file {path}.") from error


def open_pieces(path: str, pieces: Sequence[tuple[int, int]]) -> io.BufferedReader:
    """Opens some ranges of bytes of a file, to be read one after the other.

    Args:
        path: A local path, or an address like gs:// or s3://.
        pieces: First byte of each range, and the byte after its last.

    Raises:
        DataError: As `open_binary`.
    """
    return io.BufferedReader(_Pieces(open_binary(path), pieces), buffer_size=1 << 20)


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """Turns errors of TensorFlow, which opens a file on first use, into OSError."""
    try:
        with unreachable_data():
            yield
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


class _Pieces(io.RawIOBase):
    def __init__(self, file: io.BufferedReader, pieces: Sequence[tuple[int, int]]) -> None:
        self._file = file
        self._waiting = list(pieces)
        self._left = 0  # bytes of the piece that is being read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and self._waiting:
            begin, end = self._waiting.pop(0)
            self._file.seek(begin)
            self._left = end - begin
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Raw(io.RawIOBase):
    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _os_errors():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _os_errors():
            self._file.seek(offset, whence)
            return self._file.tell()

    def tell(self) -> int:
        with _os_errors():
            return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@dataclasses.dataclass(frozen=True)
class DataFile:
    """A file to read, in one or several parts.

    Attributes:
        path: Path or address of the file.
        shard: Number of its first shard.
        parts: Number of its parts, each of which becomes a shard; 1 for a file read as a whole.
        size: Size in bytes, of a file read in parts.
        state: Time of the last change or, on S3, the ETag, of a file read in parts.
        has_header: True if a row of a CSV file has the names of the columns.
    """

    path: str
    shard: int
    parts: int
    size: int = 0
    state: str = ""
    has_header: bool = True

    @property
    def is_cut(self) -> bool:
        """True if its ranges of bytes must be scanned before its parts can be read."""
        return self.parts > 1 and self.path.endswith(_PLAIN_CSV)

    def range(self, number: int) -> tuple[int, int]:
        """First byte of a part and the byte after its last, as if rows could start anywhere."""
        return self.size * number // self.parts, self.size * (number + 1) // self.parts


@dataclasses.dataclass(frozen=True)
class Part:
    """Part of a file.

    Attributes:
        number: Number of this part, from 0.
        of: Number of all parts.
        pieces: Of a CSV file, the ranges of bytes with the header and the rows; empty if no row
            starts in this part.
    """

    number: int
    of: int
    pieces: tuple[tuple[int, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class RangeScan:
    """Quotes and rows in a range of bytes; the second of two values is for a start within quotes.

    Attributes:
        quotes: Number of quotes in the range.
        row_starts: Byte of the file at which the first row after the first line break starts; None
            if no row does. For the range at the start of the file: the row after the header.
        regular: True if each opening quote stands where one may.
    """

    quotes: int
    row_starts: tuple[int | None, int | None]
    regular: tuple[bool, bool]


def data_files(paths: Sequence[str], csv: CsvFormat) -> list[DataFile]:
    """Divides files into parts, and numbers the shards of these.

    Raises:
        DataError: If the storage of the data cannot be reached.
    """
    files: list[DataFile] = []
    shard = 0
    for path in paths:
        file = DataFile(path, shard, 1)
        if path.endswith(PARQUET_SUFFIXES) or (
            path.endswith(_PLAIN_CSV) and csv.encoding == _ENCODING and not has_other_lines(csv)
        ):
            size, state = _stat(path)
            if size > PART_BYTES:
                parts = -(-size // PART_BYTES)
                file = DataFile(path, shard, parts, size, state, has_header=csv.header is None)
        files.append(file)
        shard += file.parts
    return files


def scan_range(file: DataFile, number: int, csv: CsvFormat) -> RangeScan | None:
    """Scans the bytes of a part of a CSV file; None if the file cannot be read."""
    try:
        return _scan(file.path, csv, *file.range(number))
    except (DataError, OSError) as error:  # which the reading of the file reports
        logger.warning("%s cannot be read: %s", file.path, error)
        return None


def cut_file(file: DataFile, scans: Sequence[RangeScan | None]) -> list[Part | None]:
    """Cuts a CSV file where rows start.

    Args:
        file: The file.
        scans: Scans of its ranges, in order.

    Returns:
        One part for each range. If the file cannot be cut safely, the first is None, which stands
        for the whole file, and the others have no rows.
    """
    done = [scan for scan in scans if scan is not None]
    starts = _row_starts(done) if len(done) == len(scans) else None
    rest: list[Part | None] = [Part(number, file.parts) for number in range(1, file.parts)]
    if starts is None:
        logger.warning("Where rows begin in %s is not clear: one worker reads it", file.path)
        return [None, *rest]
    header_end, begins = starts
    parts: list[Part | None] = []
    end = file.size
    for number, begin in reversed(list(enumerate([0, *begins]))):
        if begin is None or begin == end:
            parts.append(Part(number, file.parts))
            continue
        rows = (begin, end)
        pieces = ((0, header_end), rows) if number and file.has_header else (rows,)
        parts.append(Part(number, file.parts, pieces))
        end = begin
    return parts[::-1]


def check_unchanged(file: DataFile) -> None:
    """Makes sure that all parts were read from the same content.

    Raises:
        DataError: If the file was changed or removed, or its storage cannot be reached.
    """
    if _stat(file.path) != (file.size, file.state):
        raise DataError(f"{file.path} was changed while it was being read. Run it again.")


def _stat(path: str) -> tuple[int, str]:
    if os.path.exists(path):  # TensorFlow gives full seconds only
        status = os.stat(path)
        return status.st_size, str(status.st_mtime_ns)
    try:
        with unreachable_data():
            stat = fileio.stat(path)
    except fileio.NotFoundError as error:
        raise DataError(f"There is no file {path} any more. Run it again.") from error
    return stat.length, str(getattr(stat, "etag", stat.mtime_nsec))


def _scan(path: str, csv: CsvFormat, begin: int, end: int) -> RangeScan:
    """Scans the bytes of an uncompressed CSV file in UTF-8 from `begin` up to `end`.

    Raises:
        DataError: If the file does not exist, or its storage cannot be reached.
        OSError: If it cannot be read.
    """
    border = np.zeros(_BYTE_VALUES, bool)
    border[[*_LINE_BREAKS, *csv.delimiter.encode(), *csv.quote.encode()]] = True
    quotes, regular = 0, [True, True]
    starts: list[int | None] = [None, None]
    with open_binary(path) as file:
        if not begin and sep_line(file.peek(_HEAD_BYTES)[:_HEAD_BYTES].decode(errors="ignore")):
            return RangeScan(0, (None, None), (False, False))  # the delimiter may be another
        for offset, window in _windows(file, begin, end):
            body = window[1:]
            places = np.flatnonzero(body == ord(csv.quote)) if csv.quote else np.zeros(0, int)
            may_open = border[window[places]]  # by the byte before
            for case in _CASES:
                regular[case] &= bool(may_open[(quotes + case) % 2 :: 2].all())
                if starts[case] is None:
                    starts[case] = _row_start(body, places, quotes + case, offset)
            quotes += len(places)
    return RangeScan(quotes, (starts[0], starts[1]), (regular[0], regular[1]))


def _row_starts(scans: Sequence[RangeScan]) -> tuple[int, list[int | None]] | None:
    """Start of the first row, and of the first row in each range after the first range.

    Args:
        scans: Scans of all ranges of a file, in their order.

    Returns:
        As in `RangeScan.row_starts`; None for all if quotes are not where they should be, or if
        the header is longer than the first range.
    """
    starts, quotes = [], 0
    for scan in scans:
        case = quotes % 2
        if not scan.regular[case]:
            return None
        starts.append(scan.row_starts[case])
        quotes += scan.quotes
    first, *others = starts
    return None if quotes % 2 or first is None else (first, others)


def _row_start(body: np.ndarray, places: np.ndarray, before: int, offset: int) -> int | None:
    breaks = np.flatnonzero((body == _LINE_BREAKS[0]) | (body == _LINE_BREAKS[1]))
    outside = breaks[(np.searchsorted(places, breaks) + before) % 2 == 0]
    return offset + int(outside[0]) + 1 if len(outside) else None


def _windows(file: io.BufferedReader, begin: int, end: int) -> Iterator[tuple[int, np.ndarray]]:
    """Chunks of a range, each with its offset, and with the byte before it.

    At the start of the file a line break stands for the byte order mark and blank lines, which are
    left out.
    """
    before = b"\n"
    if begin:
        file.seek(begin - 1)
        before = file.read(1)
    else:
        head = file.read(_HEAD_BYTES)
        begin = len(head) - len(head.removeprefix(_BYTE_ORDER_MARK).lstrip(_LINE_BREAKS))
        if begin == len(head):
            return
        file.seek(begin)
    while chunk := file.read(max(0, min(CHUNK_BYTES, end - begin))):
        yield begin, np.frombuffer(before + chunk, np.uint8)
        before, begin = chunk[-1:], begin + len(chunk)

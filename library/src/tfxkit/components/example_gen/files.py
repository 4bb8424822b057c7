"""Data files on any file system of TFX: names by format, opened for Arrow."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfxkit.errors import DataError, StorageError
from tfxkit.storage.filesystems import fileio

CSV_SUFFIXES = (".csv", ".csv.gz")
PARQUET_SUFFIXES = (".parquet",)
SUFFIXES = CSV_SUFFIXES + PARQUET_SUFFIXES


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

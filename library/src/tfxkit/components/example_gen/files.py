"""Files of any file system that TFX knows, opened for Arrow."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from tfxkit.errors import DataError, StorageError
from tfxkit.storage.filesystems import fileio


@contextlib.contextmanager
def unreachable_data() -> Iterator[None]:
    """Treats unreachable storage like an unreadable file: the step stops.

    Raises:
        DataError: If the store of the data cannot be reached, or refuses.
    """
    try:
        yield
    except StorageError as error:
        raise DataError(str(error)) from error


def open_binary(path: str) -> io.BufferedReader:
    """Opens a file for reading, with all the methods of a Python file.

    TFX opens files by way of TensorFlow, whose GFile lacks what pyarrow asks for (`closed`) and
    raises errors of its own instead of OSError.

    Args:
        path: A local path, or an address like gs:// or s3://.

    Raises:
        DataError: Here or when it is read, if it is not there, or its store cannot be reached.
    """
    try:
        with unreachable_data():
            return io.BufferedReader(_Raw(fileio.open(path, "rb")), buffer_size=1 << 20)
    except fileio.NotFoundError as error:  # on S3; TensorFlow finds out when it reads
        raise DataError(f"There is no file {path}.") from error


def open_pieces(path: str, pieces: Sequence[tuple[int, int]]) -> io.BufferedReader:
    """As `open_binary`, for some of the bytes, one piece after the other.

    Args:
        path: A local path, or an address like gs:// or s3://.
        pieces: Of each the first byte, and the one after its last.

    Raises:
        DataError: As `open_binary`.
    """
    return io.BufferedReader(_Pieces(open_binary(path), pieces), buffer_size=1 << 20)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Makes an OSError of what TensorFlow raises, which opens a file when it is first used."""
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
        with _told():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _told():
            self._file.seek(offset, whence)
            return self._file.tell()

    def tell(self) -> int:
        with _told():
            return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

"""Files of any file system that TFX knows, opened for Arrow."""

from __future__ import annotations

import io
from typing import Any

import tensorflow as tf
from tfx.dsl.io import fileio


def open_binary(path: str) -> io.BufferedReader:
    """Opens a file for reading, with all the methods of a Python file.

    TFX opens files by way of TensorFlow, whose GFile lacks what pyarrow asks for (`closed`) and
    raises errors of its own instead of OSError.

    Args:
        path: A local path, or one with a scheme that `tfx.dsl.io.fileio` has a plugin for.
    """
    return io.BufferedReader(_Raw(fileio.open(path, "rb")), buffer_size=1 << 20)


class _Raw(io.RawIOBase):
    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except tf.errors.OpError as error:
            raise OSError(error.message) from error
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

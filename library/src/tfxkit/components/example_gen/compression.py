"""Compressed files: their kinds by name and by first bytes, and reading them unpacked."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
UNREADABLE = (OSError, EOFError, zlib.error, lzma.LZMAError)  # errors of a damaged or locked file
_FIRST_BYTES = {
    ".gz": re.compile(rb"\x1f\x8b"),
    ".bz2": re.compile(rb"BZh[1-9]1AY&SY"),  # not a column called BZh
    ".xz": re.compile(rb"\xfd7zXZ\0"),
    ".zst": re.compile(rb"\x28\xb5\x2f\xfd"),
}
_CHUNK_BYTES = 1 << 17  # read at once


def compression(head: bytes) -> str:
    """Suffix for a file with these first bytes; empty if it is not compressed."""
    return next((suffix for suffix, first in _FIRST_BYTES.items() if first.match(head)), "")


def unpacked(file: BinaryIO, suffix: str) -> BinaryIO:
    """Opens a file for reading without its compression.

    Args:
        file: The file, open.
        suffix: One of `SUFFIXES`, as `compression` returns it, or the end of another name.

    Returns:
        The content; reading it raises one of `UNREADABLE` if the file is damaged or ends too soon.
    """
    for end, opener in _OPENERS.items():
        if suffix.endswith(end):
            return io.BufferedReader(_Unpacked(opener(file), file), _CHUNK_BYTES)
    return file


class _Unpacked(io.RawIOBase):
    """Content of a compressed file, which is closed with it."""

    def __init__(self, content: Any, file: BinaryIO) -> None:
        self._content, self._file = content, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return int(self._content.readinto(buffer))

    def close(self) -> None:
        if not self.closed:
            self._content.close()
            self._file.close()
        super().close()


class _Zstandard(io.RawIOBase):
    """Content of one frame after the other; the package's own reader misses an early end."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._file = file
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._error = zstandard.ZstdError
        self._frame: Any = None
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting:
            packed = self._frame.unused_data if self._frame and self._frame.eof else b""
            packed = packed or self._file.read(_CHUNK_BYTES)
            if not packed:
                if self._frame and not self._frame.eof:
                    raise EOFError("Compressed file ended before the end-of-stream marker")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = self._new()
            try:
                self._waiting = self._frame.decompress(packed)
            except self._error as error:
                raise OSError(str(error)) from error
        data, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _Zstandard,
}

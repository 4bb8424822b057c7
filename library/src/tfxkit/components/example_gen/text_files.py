"""Text files of any encoding, read as UTF-8; says where they are no such text."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Sequence
from typing import Any

from tfxkit.components.example_gen.files import open_binary, open_pieces
from tfxkit.errors import DataError

_CHUNK_BYTES = 1 << 20
_SHOWN_BYTES = 20


def open_utf8(
    path: str, encoding: str, pieces: Sequence[tuple[int, int]] | None = None
) -> io.BufferedReader:
    """Opens a file for reading as UTF-8, unpacked if its name ends in `.gz`.

    Args:
        path: A local path, or an address like gs:// or s3://.
        encoding: The name of the codec that its text was written with.
        pieces: What is read of a file that is not packed, see `open_pieces`; None for all of it.

    Raises:
        DataError: Here or when it is read, if it is not there or is no text of this encoding.
    """
    packed: Any = open_binary(path) if pieces is None else open_pieces(path, pieces)
    file = gzip.GzipFile(fileobj=packed) if path.endswith(".gz") else packed
    return io.BufferedReader(_Utf8(path, file, encoding), _CHUNK_BYTES)


class _Utf8(io.RawIOBase):
    """Decodes all that is read, if only to find what cannot be decoded."""

    def __init__(self, path: str, file: io.BufferedIOBase, encoding: str) -> None:
        self._path, self._file, self._encoding = path, file, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._waiting = b""  # UTF-8 that was not asked for yet
        self._bytes = self._lines = 0  # decoded so far
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._waiting and not self._ended:
            chunk = self._file.read(_CHUNK_BYTES)
            self._ended = not chunk
            self._waiting = self._decode(chunk).encode()
        data, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def _decode(self, chunk: bytes) -> str:
        before = len(self._decoder.getstate()[0])  # the first bytes of a character, kept back
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(self._encoding, errors="replace")
            raise self._not_text(self._bytes - before + error.start, good, chunk) from error
        except UnicodeError as error:  # utf-16 and utf-32, where there is no byte order mark
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
        after = f" after {line[-_SHOWN_BYTES:]!r}" if line else ""
        if not sample:
            advice = "It ends within a character: is it whole?"
        elif likely := _likely(sample, self._encoding):
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


def _likely(sample: bytes, encoding: str) -> str | None:
    """The encoding that some bytes are likely in, by what cannot be in others."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:  # every other byte of text in UTF-16 that is mostly ASCII
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

"""Framing of CSV text: all that surrounds the rows of a table."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from tfxkit.config.data import CsvFormat

MARK = "\ufeff"  # of the byte order, at the beginning of files that Windows wrote
# Excel's note of the delimiter. A spreadsheet that saves it again fills the line with delimiters.
_SEP_LINE = re.compile(
    rf'{MARK}?"?sep=(?P<sign>\\t|[\t -~])"?(?:(?P=sign)|\t)*[ ]*(?=[\r\n]|$)', re.IGNORECASE
)
_LONGEST_SEP_LINE = 1 << 10  # bytes
_LINE_BREAKS = (b"\n", b"\r")

csv.field_size_limit(2**31 - 1)  # Python's default ends a value at 131,072 characters


def sep_line(text: str) -> tuple[str, str] | None:
    """Excel's note of the delimiter, if it is the first line of a text.

    Returns:
        The note, and the delimiter in it; None if there is none.
    """
    if not (found := _SEP_LINE.match(text)):
        return None
    return found[0], "\t" if found["sign"] == "\\t" else found["sign"]


def open_framed(text: io.RawIOBase, csv_format: CsvFormat) -> tuple[io.RawIOBase, CsvFormat]:
    """Leaves out the lines that are no rows: a blank line stands for each, so lines keep numbers.

    Args:
        text: The file in UTF-8, from its beginning.
        csv_format: Format of the data set.

    Returns:
        The text, and its format: with the delimiter that the file names.
    """
    head = b""
    while len(head) < _LONGEST_SEP_LINE and not any(sign in head for sign in _LINE_BREAKS):
        if not (data := text.read(_LONGEST_SEP_LINE)):
            break
        head += data
    if found := sep_line(head.decode(errors="ignore")):
        note, delimiter = found
        head = head[len(note.encode()) :]
        csv_format = csv_format.model_copy(update={"delimiter": delimiter})
    return _Rest(head, text), csv_format


class _Rest(io.RawIOBase):
    """Bytes that were read already, and those that follow."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._head:
            return self._rest.readinto(buffer)
        data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._rest.close()
        super().close()

"""Framing of CSV text: all that surrounds the rows of a table."""

from __future__ import annotations

import collections
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tfxkit.config.data import CsvFormat

MARK = "\ufeff"  # of the byte order, at the beginning of files that Windows wrote
# Excel's note of the delimiter. A spreadsheet that saves it again fills the line with delimiters.
_SEP_LINE = re.compile(
    rf'{MARK}?"?sep=(?P<sign>\\t|[\t -~])"?(?:(?P=sign)|\t)*[ ]*(?=[\r\n]|$)', re.IGNORECASE
)
_LONGEST_SEP_LINE = 1 << 10  # bytes
_LINES = 1000  # converted at once
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
    framed: io.RawIOBase = _Rest(head, text)
    if csv_format.trim or has_other_lines(csv_format):
        framed = _PlainText(framed, csv_format)
    return framed, csv_format


def has_other_lines(csv_format: CsvFormat) -> bool:
    """True if a file may have more than rows of plain CSV, so that no part of it stands alone."""
    return bool(
        csv_format.skip_lines or csv_format.skip_footer or csv_format.comment or csv_format.escape
    )


def plain_lines(lines: Iterable[str], csv_format: CsvFormat) -> Iterator[str]:
    """Turns the lines of a file into lines of plain CSV.

    Args:
        lines: All lines, with their line breaks.
        csv_format: Signs and lines to leave out.

    Yields:
        As many lines: a blank one for each that is none of the table. Quotes are doubled where they
        were escaped, and there are no blanks around values where the format trims them.
    """
    if csv_format.skip_lines:
        lines = _skipped(lines, csv_format.skip_lines)
    if csv_format.comment or csv_format.escape or csv_format.trim:
        lines = map(_PlainLine(csv_format), lines)
    yield from _without_last(lines, csv_format.skip_footer) if csv_format.skip_footer else lines


def _skipped(lines: Iterable[str], count: int) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield _line_break(line) if number < count else line


def _without_last(lines: Iterable[str], count: int) -> Iterator[str]:
    """All lines but the last few that are not blank; blank ones stand for these."""
    held: collections.deque[str] = collections.deque()
    full = 0  # lines among them that are not blank
    for line in lines:
        held.append(line)
        full += bool(line.strip())
        while full > count:
            full -= bool(held[0].strip())
            yield held.popleft()
    yield from map(_line_break, held)


class _PlainLine:
    """Conversion of one line after the other; remembers if a quote is open."""

    def __init__(self, csv_format: CsvFormat) -> None:
        quote, escape = re.escape(csv_format.quote), re.escape(csv_format.escape)
        delimiter = re.escape(csv_format.delimiter)
        self._blanks = " \t".replace(csv_format.delimiter, "")
        blanks = f"[{self._blanks}]*" if csv_format.trim else ""
        pair = rf"|{escape}." if escape else ""
        self._format = csv_format
        self._is_open = False
        self._opening = re.compile(rf"(?:^|{delimiter}){blanks}{quote}") if quote else None
        self._value = re.compile(rf"(?:[^{quote}{escape}]|{quote}{quote}{pair})*+", re.DOTALL)
        self._escaped = re.compile(rf"{escape}([{escape}{quote}])") if escape else None
        some = f"[{self._blanks}]+"
        around = re.compile(rf"{some}{delimiter}{blanks}|{delimiter}{some}")
        self._delimiter = around if blanks else None

    def __call__(self, line: str) -> str:
        """The line in plain CSV."""
        comment = self._format.comment
        if comment and not self._is_open and line.lstrip().startswith(comment):
            return _line_break(line)
        if self._is_open or (self._opening and self._format.quote in line):
            line = "".join(self._segments(line))
        elif self._delimiter:
            line = self._trimmed(line)
        return line

    def _segments(self, line: str) -> Iterator[str]:
        """Parts of a line by turns within quotes and outside."""
        place = 0
        if self._is_open:
            place = self._end_of_value(line, 0)
            yield self._unescaped(line[:place])
        while not self._is_open:
            opening = self._opening.search(line, place) if self._opening else None
            if opening is None:
                yield self._trimmed(line[place:], first=not place)
                return
            yield self._trimmed(line[place : opening.end() - 1], first=not place, last=False)
            place = self._end_of_value(line, opening.end())
            yield self._unescaped(line[opening.end() - 1 : place])

    def _end_of_value(self, line: str, start: int) -> int:
        """Place behind the closing quote, or the end of the line if the quote stays open."""
        match = self._value.match(line, start)
        end = match.end() if match else start
        self._is_open = line[end : end + 1] != self._format.quote
        return len(line) if self._is_open else end + 1

    def _unescaped(self, text: str) -> str:
        """Text within quotes, with doubled quotes."""
        if self._escaped is None:
            return text
        quote = self._format.quote
        return self._escaped.sub(lambda pair: quote * 2 if pair[1] == quote else pair[1], text)

    def _trimmed(self, text: str, *, first: bool = True, last: bool = True) -> str:
        """Text outside of quotes, from the beginning and up to the end of a line or not."""
        if self._delimiter is None:
            return text
        text = self._delimiter.sub(self._format.delimiter, text)
        if first:
            text = text.lstrip(self._blanks)
        if last:
            line_break = _line_break(text)
            text = text.removesuffix(line_break).rstrip(self._blanks) + line_break
        return text


def _line_break(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


class _PlainText(io.RawIOBase):
    """Lines of plain CSV as bytes."""

    def __init__(self, text: io.RawIOBase, csv_format: CsvFormat) -> None:
        self._text = io.TextIOWrapper(io.BufferedReader(text), "utf-8-sig", newline="")
        self._lines = plain_lines(self._text, csv_format)
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._waiting:
            self._waiting = "".join(itertools.islice(self._lines, _LINES)).encode()
        data, self._waiting = self._waiting[: len(buffer)], self._waiting[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._text.close()
        super().close()


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

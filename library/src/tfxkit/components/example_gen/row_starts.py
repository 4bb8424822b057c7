"""Where rows begin in a CSV file, found by ranges of bytes that know nothing of each other.

A line break within quotes ends no row, and whether a byte is within quotes depends on all quotes
before it. So each range is looked at for both cases, and counts its quotes: their sum over the
ranges before it says afterwards which case it was.

That holds as long as a quote that opens stands where a value begins, or behind another quote, as
two stand for one: in `5" disk,7" disk` quotes are characters like others. `Look.regular` says
whether it does.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Sequence

import numpy as np

from tfxkit.components.example_gen.files import open_binary
from tfxkit.config.csv_format import CsvFormat

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 12  # blank lines before the header, at most
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_BREAKS = b"\r\n"
_BYTE_VALUES = 256
_CASES = (0, 1)  # quotes before a range, modulo 2: outside of quotes, inside


@dataclasses.dataclass(frozen=True)
class Look:
    """What a range of bytes holds; of two values the second is right if it begins within quotes.

    Attributes:
        quotes: How many quotes are in it.
        row_starts: The byte of the file at which the first row after the first line break starts;
            None if no row does. For the range at the begin of the file: the row after the header.
        regular: Whether each quote that opens stands where one may.
    """

    quotes: int
    row_starts: tuple[int | None, int | None]
    regular: tuple[bool, bool]


def look(path: str, how: CsvFormat, begin: int, end: int) -> Look:
    """Looks at the bytes of a file from `begin` up to `end`.

    Args:
        path: A CSV file in UTF-8, not packed.
        how: How it is written.
        begin: A byte of the file.
        end: A later one, or the size of the file.

    Raises:
        DataError: If the file is not there, or its store cannot be reached.
        OSError: If it cannot be read.
    """
    border = np.zeros(_BYTE_VALUES, bool)
    border[[*_LINE_BREAKS, *how.delimiter.encode(), *how.quote.encode()]] = True
    quotes, regular = 0, [True, True]
    starts: list[int | None] = [None, None]
    with open_binary(path) as file:
        for offset, window in _windows(file, begin, end):
            body = window[1:]
            places = np.flatnonzero(body == ord(how.quote)) if how.quote else np.zeros(0, int)
            may_open = border[window[places]]  # by the byte before
            for case in _CASES:
                regular[case] &= bool(may_open[(quotes + case) % 2 :: 2].all())
                if starts[case] is None:
                    starts[case] = _row_start(body, places, quotes + case, offset)
            quotes += len(places)
    return Look(quotes, (starts[0], starts[1]), (regular[0], regular[1]))


def row_starts(looks: Sequence[Look]) -> tuple[int, list[int | None]] | None:
    """Where rows start: the first of all, and the first of each range after the first range.

    Args:
        looks: At all ranges of a file, in their order.

    Returns:
        As in `Look.row_starts`; None for all if quotes are not where they should be, or if the
        header is longer than the first range.
    """
    starts, quotes = [], 0
    for one in looks:
        case = quotes % 2
        if not one.regular[case]:
            return None
        starts.append(one.row_starts[case])
        quotes += one.quotes
    first, *others = starts
    return None if quotes % 2 or first is None else (first, others)


def _row_start(body: np.ndarray, places: np.ndarray, before: int, offset: int) -> int | None:
    breaks = np.flatnonzero((body == _LINE_BREAKS[0]) | (body == _LINE_BREAKS[1]))
    outside = breaks[(np.searchsorted(places, breaks) + before) % 2 == 0]
    return offset + int(outside[0]) + 1 if len(outside) else None


def _windows(file: io.BufferedReader, begin: int, end: int) -> Iterator[tuple[int, np.ndarray]]:
    """The range in chunks, each with its offset, and with the byte before it.

    At the begin of the file a line break stands for the byte order mark and blank lines, which are
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
    while chunk := file.read(max(0, min(_CHUNK_BYTES, end - begin))):
        yield begin, np.frombuffer(before + chunk, np.uint8)
        before, begin = chunk[-1:], begin + len(chunk)

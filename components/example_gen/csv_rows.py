"""CSV files row by row, with Python's reader: slower than Arrow's, but it knows the lines."""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import itertools
from collections.abc import Iterator
from typing import Any

from components.example_gen.text_files import open_utf8
from tfxkit.config.csv_format import CsvFormat
from tfxkit.errors import DataError

_SHOWN = 5  # rows in a message
_SHOWN_CHARACTERS = 100


def header(path: str, how: CsvFormat) -> list[str] | None:
    """The values of the first row that is not blank; None if there is none."""
    with _reader(path, how) as rows:
        return next(filter(None, rows), None)


def has_rows(path: str, how: CsvFormat) -> bool:
    """Whether there is anything after the header."""
    with _reader(path, how) as rows:
        return len(list(itertools.islice(filter(None, rows), 2))) > 1


def place_of_row(path: str, how: CsvFormat, row: int) -> str:
    """Where to find a row in an editor: its last line, which quoted line breaks move.

    Args:
        path: A CSV file.
        how: How it is written.
        row: The number of rows before it, without the header.
    """
    with _reader(path, how) as rows:
        try:
            collections.deque(itertools.islice(filter(None, rows), row + 2), maxlen=0)
        except csv.Error:  # a field that is longer than this reader takes
            return f"row {row + 1} after the header"
        return f"line {rows.line_num}"


def ragged(path: str, how: CsvFormat) -> DataError | None:
    """Counts the rows that do not have a value for each name in the header, and shows the first."""
    shown, count = [], 0
    with _reader(path, how) as rows, contextlib.suppress(csv.Error):
        width = len(next(filter(None, rows), []))
        for row in filter(None, rows):
            if len(row) == width:
                continue
            count += 1
            if count <= _SHOWN:
                text = how.delimiter.join(row)[:_SHOWN_CHARACTERS]
                shown.append(f"  line {rows.line_num} has {len(row)}: {text!r}")
    if not count:
        return None
    rest = [f"  and {count - _SHOWN} more"] if count > _SHOWN else []
    return DataError(
        "\n".join(
            [
                f"{path}: the header names {width} columns, but {count} "
                f"row{'s have' if count > 1 else ' has'} more or fewer values:",
                *shown,
                *rest,
                f"Mend them. A value that contains {how.delimiter!r} must be put in quotes.",
            ]
        )
    )


@contextlib.contextmanager
def _reader(path: str, how: CsvFormat) -> Iterator[Any]:
    with (
        open_utf8(path, how.encoding) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text,
    ):
        yield csv.reader(
            text,
            delimiter=how.delimiter,
            quotechar=how.quote or None,
            quoting=csv.QUOTE_MINIMAL if how.quote else csv.QUOTE_NONE,
        )

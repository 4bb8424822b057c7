"""Dialect of a CSV file: encoding, delimiter and quote."""

from __future__ import annotations

import codecs
import collections
import csv
import gzip
import itertools
import re
from pathlib import Path
from typing import BinaryIO

from tfxkit.config.data import CsvFormat
from tfxkit.errors import UsageError
from tfxkit.onboarding.source import suffix

DELIMITERS = ",;\t|"
_LINES = 200  # enough to tell a delimiter from a comma in a text
_CHUNK_BYTES = 1 << 20
_MOST_CHUNKS = 256  # a file in which a letter beyond ASCII first comes later is read as UTF-8
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LATIN = "cp1252"  # what Windows means by "ANSI"; holds all that Latin-1 prints


def detect(path: Path) -> CsvFormat:
    """Finds out how a file is written.

    The delimiter is the one that cuts most of the first lines into as many values as the first of
    them, two at least. A file of one column has none.

    Raises:
        UsageError: If it is no text.
    """
    encoding = _encoding(path)
    with open_plain(path) as file:
        text = codecs.getreader("utf-8-sig" if encoding == "utf-8" else encoding)(file)
        lines = list(itertools.islice(iter(text.readline, ""), _LINES))
    quote = _quote(lines)
    delimiter = max(DELIMITERS, key=lambda one: _fit(lines, one, quote))
    return CsvFormat(delimiter=delimiter, quote=quote, encoding=encoding)


def open_plain(path: Path) -> BinaryIO:
    """Opens a file for reading, unpacked if it is packed by gzip."""
    return gzip.open(path) if suffix(path) == ".csv.gz" else path.open("rb")  # type: ignore[return-value]


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_plain(path) as file:
            for number in range(_MOST_CHUNKS):
                chunk = file.read(_CHUNK_BYTES)
                if not number:
                    for bom, encoding in _BOMS:
                        if chunk.startswith(bom):
                            return encoding
                if b"\0" in chunk:
                    raise UsageError(
                        f"{path} is not text: it holds zero bytes. Save it as CSV or Parquet."
                    )
                decoder.decode(chunk, final=not chunk)
                if not chunk:
                    break
    except UnicodeDecodeError:
        return _LATIN
    except (OSError, EOFError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return "utf-8"


def _quote(lines: list[str]) -> str:
    """An apostrophe, if values stand between such in most lines, and no double quote is there."""
    text = "".join(lines)
    around = re.compile(rf"(^|[{DELIMITERS}])'[^']*'($|[{DELIMITERS}])")
    many = sum(1 for line in lines if around.search(line.strip())) > len(lines) / 2
    return "'" if many and '"' not in text else '"'


def _fit(lines: list[str], delimiter: str, quote: str) -> tuple[float, int]:
    """The share of lines with as many values as the header, and how many those are."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if row]
    except csv.Error:
        return 0.0, 0
    counts = collections.Counter(map(len, rows))
    width = len(rows[0]) if rows else 0
    return (counts[width] / len(rows), width) if width > 1 else (0.0, width)

"""Columns and first rows of a text file with a table, as far as its beginning shows them."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from pathlib import Path
from typing import NamedTuple

_HEAD = 1 << 16
_DELIMITERS = ",;\t|"
_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_NUMBER = re.compile(r"[+-]?\d+(,\d+)?")


class TableHead(NamedTuple):
    """The beginning of a table.

    Attributes:
        columns: Names of the columns.
        rows: The first rows, as texts; each as long as `columns`.
        decimal: Mark of decimals: a comma where columns are not separated by one, and a point.
    """

    columns: list[str]
    rows: list[list[str]]
    decimal: str = "."


def read_head(path: Path) -> TableHead | None:
    """Reads the beginning of a file; None if it is not a table in text."""
    try:
        with _open(path) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return None
    if b"\0" in head:  # Parquet, UTF-16
        return None
    whole = len(head) < _HEAD
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = head.decode(encoding, "strict" if whole or encoding == "cp1252" else "ignore")
        except UnicodeDecodeError:
            continue
        return _parse(text, whole)
    return None


def _open(path: Path) -> io.BufferedIOBase:
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _parse(text: str, whole: bool) -> TableHead | None:
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error:
        return None
    if not whole:
        lines = lines[:-1]  # it may be cut off
    if not lines:
        return None
    columns = [name.strip() for name in lines[0]]
    rows = [row for row in lines[1:] if len(row) == len(columns)]
    commas = delimiter != "," and any(_COMMA.fullmatch(value) for row in rows for value in row)
    return TableHead(columns, rows, "," if commas else ".")


def typed_row(table: TableHead) -> dict[str, object]:
    """The first row with a type for each column that all values in sight share.

    Numbers with a leading zero are codes, so they stay text; an empty field is None.
    """
    row: dict[str, object] = {}
    for place, name in enumerate(table.columns):
        values = [line[place].strip() for line in table.rows]
        if table.decimal == "," and all(_NUMBER.fullmatch(value) for value in values if value):
            values = [value.replace(",", ".") for value in values]
            row[name] = _convert(values[0], [value for value in values if value])
        else:
            row[name] = _convert(table.rows[0][place], [value for value in values if value])
    return row


def _convert(value: str, values: list[str]) -> object:
    if not value.strip():
        return None
    if all(text.lstrip("-").isdecimal() and text == str(int(text)) for text in values):
        return int(value)
    try:
        numbers = [float(text) for text in values]
    except ValueError:
        return value
    digits = [text.lstrip("+-") for text in values]
    codes = any(text.startswith("0") and text[1:2].isdecimal() for text in digits)
    if codes or not all(math.isfinite(number) for number in numbers):
        return value
    return float(value)

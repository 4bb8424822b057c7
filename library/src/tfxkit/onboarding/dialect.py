"""Detection of a CSV file's dialect: encoding, delimiter, quote, and lines that are no rows."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
import itertools
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pydantic
import yaml

from tfxkit.components.example_gen.framing import sep_line
from tfxkit.config.data import CsvFormat
from tfxkit.errors import UsageError
from tfxkit.onboarding.source import open_unpacked
from tfxkit.values import charsets

DELIMITERS = ",;\t|"
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|"}
_ROWS = 200  # enough to distinguish a delimiter from a comma in a text
_HEAD_CHARACTERS = 1 << 21
_CHUNK_BYTES = 1 << 20
_MOST_CHUNKS = 256  # a file whose first letter beyond ASCII comes later is read as UTF-8
_MOST_TITLE_LINES = 20
_LEAST_ROWS = 5  # below a title
_MOST = 0.95  # of the rows or values
_COMMENT_MARKS = ("#", "%", "!", "//")
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_UNPACKING_ERRORS = (OSError, EOFError, zlib.error)
# File systems and codecs have many names; a person reads these.
_ENCODING_NAMES = {"utf-8": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32"}


def given_format(pairs: Sequence[str]) -> dict[str, object]:
    """Checked values of the option `--csv KEY=VALUE`, by key of `CsvFormat`.

    Raises:
        UsageError: If there is no such key, or if it does not take the value.
    """
    keys = [key for key in CsvFormat.model_fields if key != "missing"]
    given: dict[str, object] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or key not in keys:
            why = "words for missing values: --missing WORD" if key == "missing" else ""
            why = why or f"KEY is one of {', '.join(keys)}"
            raise UsageError(f"--csv {pair}: write KEY=VALUE. {why[0].upper()}{why[1:]}.")
        value = yaml.safe_load(text) if text.startswith("[") else text.replace("\\t", "\t")
        try:
            given[key] = getattr(CsvFormat.model_validate({key: value}), key)
        except pydantic.ValidationError as error:
            why = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UsageError(f"--csv {pair}: {why}.") from None
    return given


def describe(csv_format: CsvFormat) -> str:
    """Encoding, delimiter and decimal sign for the screen, as in "UTF-8, separated by commas"."""
    encoding = _ENCODING_NAMES.get(csv_format.encoding, csv_format.encoding)
    delimiter = _NAMES.get(csv_format.delimiter, repr(csv_format.delimiter))
    quote = ", in apostrophes" if csv_format.quote == "'" else ""
    decimal = ", with decimal commas" if csv_format.decimal == "," else ""
    return f"{encoding}, separated by {delimiter}{quote}{decimal}"


def detect_format(paths: Sequence[Path], given: Mapping[str, object]) -> CsvFormat:
    """Detects the dialect of the files of a data set.

    Args:
        paths: The files. One in ASCII fits any encoding of the others.
        given: Keys of `CsvFormat` that are settled, see `given_format`.

    Raises:
        UsageError: If a file is no text, if the files differ, or if a file has lines or signs that
            cannot be read: a title, comments, no header.
    """
    formats = [_detect(path, given) for path in paths]
    codecs = {each.encoding for each in formats} - {charsets.ASCII}
    if len(codecs) == 1 and not codecs & {"utf-16", "utf-32"}:
        [common] = codecs
        formats = [each.model_copy(update={"encoding": common}) for each in formats]
    elif not codecs:
        formats = [each.model_copy(update={"encoding": "utf-8"}) for each in formats]
    for path, other in zip(paths, formats, strict=True):
        if other != formats[0]:
            raise UsageError(
                f"{paths[0]} is {describe(formats[0])}. {path} is {describe(other)}. Save all "
                "files in one format, or pass it if it was not detected: --csv delimiter=';'"
            )
    return formats[0]


def _detect(path: Path, given: Mapping[str, object]) -> CsvFormat:
    encoding = str(given.get("encoding") or charsets.detect(_chunks(path), str(path)))
    text = _head(path, encoding)
    if noted := sep_line(text):
        note, delimiter = noted
        text, given = text[len(note) :], {**given, "delimiter": delimiter}
    quote = str(given.get("quote", _quote(text)))
    candidates = [str(given["delimiter"])] if "delimiter" in given else list(DELIMITERS)
    layouts = [_Layout.of(text, delimiter, quote) for delimiter in candidates]
    layout = max(layouts, key=lambda layout: layout.fit)
    if layout.fit[0] <= _MOST:  # perhaps its first lines are none of the table
        layout = max(layouts, key=lambda layout: (layout.has_table, -layout.start, layout.fit))
    _refuse_other_lines(path, layout, text)
    return CsvFormat.model_validate(
        {**given, "delimiter": layout.delimiter, "quote": quote, "encoding": encoding}
    )


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with open_unpacked(path) as file:
            for _ in range(_MOST_CHUNKS):
                if not (chunk := file.read(_CHUNK_BYTES)):
                    return
                yield chunk
    except _UNPACKING_ERRORS as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _head(path: Path, encoding: str) -> str:
    """First part of the text, up to a line break."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        with (
            open_unpacked(path) as file,
            io.TextIOWrapper(file, codec, errors="replace", newline="") as wrapper,
        ):
            text = wrapper.read(_HEAD_CHARACTERS)
    except (*_UNPACKING_ERRORS, UnicodeError) as error:
        raise UsageError(f"{path} cannot be read as {encoding}: {error}") from error
    whole = len(text) < _HEAD_CHARACTERS
    return text if whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _quote(text: str) -> str:
    """Apostrophe, if most lines have values between apostrophes, and none a double quote."""
    lines = _LINE_BREAK.split(text)[:_ROWS]
    around = re.compile(rf"(^|[{DELIMITERS}])'[^']*'($|[{DELIMITERS}])")
    in_most = sum(1 for line in lines if around.search(line.strip())) > len(lines) / 2
    return "'" if in_most and not any('"' in line for line in lines) else '"'


@dataclasses.dataclass(frozen=True)
class _Layout:
    """First rows of a text, split by a delimiter.

    Attributes:
        delimiter: Separates the values.
        quote: Encloses values.
        lines: Number of the line on which each row ends.
        rows: Rows that are not blank.
        start: Number of the rows above the header.
    """

    delimiter: str
    quote: str
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    start: int

    @classmethod
    def of(cls, text: str, delimiter: str, quote: str, escape: str | None = None) -> _Layout:
        """Splits the first rows of a text."""
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            escapechar=escape,
        )
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        try:
            for row in itertools.islice(reader, _ROWS):
                if row:
                    rows.append(tuple(row))
                    lines.append(reader.line_num)
        except csv.Error:
            pass
        return cls(delimiter, quote, tuple(lines), tuple(rows), _rows_above(rows))

    @property
    def fit(self) -> tuple[float, int]:
        """Share of the rows with as many values as the first, and the number of these values."""
        width = len(self.rows[0]) if self.rows else 0
        if width < 2:  # noqa: PLR2004
            return 0.0, width
        return _share(len(row) == width for row in self.rows), width

    @property
    def has_table(self) -> bool:
        """True if the rows from `start` on are a table."""
        return len(self.rows) > self.start and len(self.rows[self.start]) > 1

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.rows[self.start] if self.has_table else ()

    @property
    def body(self) -> tuple[tuple[str, ...], ...]:
        """Rows below the header."""
        return self.rows[self.start + 1 :]


def _rows_above(rows: Sequence[Sequence[str]]) -> int:
    """Number of the rows above a header: narrower than the table that follows."""
    for start, header in enumerate(rows[: _MOST_TITLE_LINES + 1]):
        below = rows[start:]
        if start and len(below) <= _LEAST_ROWS:
            break
        narrower = all(len(row) < len(header) for row in rows[:start])
        if start == 1 and 1 < len(rows[0]) == len(header) - 1:
            return 0  # a header that lacks a name, such as that of row numbers
        if len(header) > 1 and narrower and _share(len(r) == len(header) for r in below) > _MOST:
            return start
    return 0


def _refuse_other_lines(path: Path, layout: _Layout, text: str) -> None:
    """Refuses a file whose rows would not be what they seem.

    Raises:
        UsageError: If the file has a title, comments, blanks behind each delimiter or escaped
            quotes, or has no header.
    """
    for refusal in (_comments, _title, _no_header, _escapes, _blanks):
        if why := refusal(layout, text):
            raise UsageError(f"{path}{why}")


def _comments(layout: _Layout, _: str) -> str | None:
    width = len(layout.header)
    marked = [
        line
        for line, row in zip(layout.lines, layout.rows, strict=True)
        if row[0].lstrip().startswith(_COMMENT_MARKS) and len(row) != width
    ]
    if not marked or not layout.has_table or len(marked) < layout.start:
        return None
    count = f" and {len(marked) - 1} more" if len(marked) > 1 else ""
    return f", line {marked[0]}{count}: comments are no rows of the table. Remove them."


def _title(layout: _Layout, _: str) -> str | None:
    if not layout.start:
        return None
    line = layout.lines[layout.start]
    above = f"lines 1 to {line - 1} are" if line > 2 else "line 1 is"  # noqa: PLR2004
    return (
        f": {above} a title, and the names of the columns seem to be in line {line} "
        f"({_shown(layout.header)}). Remove what is above it."
    )


def _escapes(layout: _Layout, text: str) -> str | None:
    quote, delimiter = re.escape(layout.quote), re.escape(layout.delimiter)
    inside = rf"\\{quote}(?!{delimiter}|[\r\n]|$|{quote})"
    if not layout.quote or not (match := re.search(inside, text)):
        return None
    escaped = _Layout.of(text, layout.delimiter, layout.quote, escape="\\")
    if escaped.fit[0] < layout.fit[0]:
        return None
    line = len(_LINE_BREAK.findall(text[: match.start()])) + 1
    return (
        f", line {line}: quotes within values are written as \\{layout.quote}, as Spark does. "
        f"Write them twice ({layout.quote * 2}): in Spark, option('escape', '{layout.quote}')."
    )


def _blanks(layout: _Layout, _: str) -> str | None:
    values = [value for row in layout.rows[layout.start :] for value in row[1:] if value.strip()]
    if not values or _share(value.startswith(" ") for value in values) < _MOST:
        return None
    return (
        f": a blank follows each {layout.delimiter!r}, and would be a part of names and values "
        f"({values[0]!r}). Remove these blanks."
    )


def _no_header(layout: _Layout, _: str) -> str | None:
    """Refuses a first line with numbers above numbers, and no text of its own."""
    number = None
    for name, values in zip(layout.header, zip(*_even(layout), strict=True), strict=False):
        present = [value for value in values if value.strip()]
        if _is_number(name):
            if present and _share(map(_is_number, present)) > _MOST:
                number = number or name
        elif name.strip() and name not in present:
            return None  # no value of the column, so its name
    if number is None:
        return None
    return (
        f": line {layout.lines[layout.start]} seems to be data, where the names of the columns are "
        f"expected ({number.strip()!r} is a number like those below it). Put a line with names "
        "above it."
    )


def _even(layout: _Layout) -> list[tuple[str, ...]]:
    return [row for row in layout.body if len(row) == len(layout.header)]


def _share(facts: collections.abc.Iterable[bool]) -> float:
    known = list(facts)
    return sum(known) / len(known) if known else 0.0


def _shown(names: Sequence[str]) -> str:
    more = " …" if len(names) > _LEAST_ROWS else ""
    return ", ".join(map(repr, names[:_LEAST_ROWS])) + more


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

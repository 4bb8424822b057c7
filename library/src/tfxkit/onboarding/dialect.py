"""Detection of a CSV file's dialect: encoding, delimiter, quote, and lines that are no rows."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pydantic
import yaml

from tfxkit.components.example_gen.compression import UNREADABLE
from tfxkit.components.example_gen.framing import plain_lines, sep_line
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
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T].*)?")
# First words of a last line that sums up the others.
_TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sum", "average", "mean", "summe", "gesamt"}
    | {"gesamtsumme", "insgesamt", "somme", "suma", "totale", "totaal", "итого", "合計", "合计"}
)
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
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
    """Format of the files for the screen, as in "UTF-8, separated by commas"."""
    encoding = _ENCODING_NAMES.get(csv_format.encoding, csv_format.encoding)
    parts = [encoding, f"separated by {_NAMES.get(csv_format.delimiter, csv_format.delimiter)}"]
    if csv_format.quote == "'":
        parts.append("in apostrophes")
    if csv_format.decimal == ",":
        parts.append("with decimal commas")
    if csv_format.escape:
        parts.append(f"with {csv_format.escape}{csv_format.quote} for a quote within a value")
    if csv_format.trim:
        parts.append("without the blanks around values")
    if csv_format.comment:
        parts.append(f"without comments ({csv_format.comment})")
    if csv_format.header is not None:
        parts.append("without a header")
    for count, where in ((csv_format.skip_lines, "first"), (csv_format.skip_footer, "last")):
        if count:
            parts.append(f"without the {where} {f'{count} lines' if count > 1 else 'line'}")
    return ", ".join(parts)


def left_out(paths: Sequence[Path], csv_format: CsvFormat) -> Iterator[str]:
    """Sentences about the lines of the files that the format leaves out, with their text."""
    for path in paths:
        if count := csv_format.skip_lines:
            lines = _LINE_BREAK.split(_head(path, csv_format.encoding))[:count]
            text = next((line for line in lines if line.strip()), "")
            yield f"{path}: {_counted(count, 'first')} left out, as a title ({text!r})."
        if count := csv_format.skip_footer:
            lines = _LINE_BREAK.split(_tail(path, csv_format.encoding).rstrip("\x1a"))
            text = next((line for line in reversed(lines) if line.strip()), "")
            yield (
                f"{path}: {_counted(count, 'last')} left out, as no part of the table "
                f"({text!r}). If it is data: --csv skip_footer=0"
            )


def _counted(count: int, where: str) -> str:
    return f"the {where} {count} lines are" if count > 1 else f"the {where} line is"


def detect_format(paths: Sequence[Path], given: Mapping[str, object]) -> CsvFormat:
    """Detects the dialect of the files of a data set.

    Args:
        paths: The files. One in ASCII fits any encoding of the others.
        given: Keys of `CsvFormat` that are settled, see `given_format`.

    Raises:
        UsageError: If a file is no text, if the files differ, if a file has no header, or if its
            quotes are written in two ways.
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
    settled: dict[str, object] = {"quote": _quote(text), **given, "encoding": encoding}
    layout = _best_layout(text, settled)
    for key, found in (
        ("escape", _escape),
        ("comment", _comment),
        ("skip_lines", _lines_above),
        ("trim", _trim),
    ):
        if key not in given and (value := found(path, layout, text)):
            settled[key] = value
            layout = _best_layout(text, settled)
    if "header" not in given and (why := _no_header(layout)):
        raise UsageError(f"{path}{why}")
    if "skip_footer" not in given and (count := _lines_below(layout, _tail(path, encoding))):
        settled["skip_footer"] = count
    return layout.csv_format.model_copy(update={"skip_footer": settled.get("skip_footer", 0)})


def _best_layout(text: str, settled: Mapping[str, object]) -> _Layout:
    """Rows of a text by the delimiter that fits best."""
    delimiters = [str(settled["delimiter"])] if "delimiter" in settled else list(DELIMITERS)
    formats = [CsvFormat.model_validate({**settled, "delimiter": each}) for each in delimiters]
    layouts = [_Layout.of(text, each) for each in formats]
    layout = max(layouts, key=lambda layout: layout.fit)
    if layout.fit[0] <= _MOST:  # perhaps its first lines are none of the table
        layout = max(layouts, key=lambda layout: (layout.has_table, -layout.start, layout.fit))
    return layout


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with open_unpacked(path) as file:
            for _ in range(_MOST_CHUNKS):
                if not (chunk := file.read(_CHUNK_BYTES)):
                    return
                yield chunk
    except UNREADABLE as error:
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
    except (*UNREADABLE, UnicodeError) as error:
        raise UsageError(f"{path} cannot be read as {encoding}: {error}") from error
    whole = len(text) < _HEAD_CHARACTERS
    return text if whole or "\n" not in text else text[: text.rindex("\n") + 1]


def _tail(path: Path, encoding: str) -> str:
    """Last part of the text; empty for a file that is too long to see its end."""
    last: collections.deque[bytes] = collections.deque(maxlen=2)
    try:
        with open_unpacked(path) as file:
            for _ in range(_MOST_CHUNKS):
                if not (chunk := file.read(_CHUNK_BYTES)):
                    break
                last.append(chunk)
            else:
                return ""
    except UNREADABLE as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    codec = {"utf-16": "utf-16", "utf-32": "utf-32"}.get(encoding, encoding)
    try:
        return b"".join(last).decode(codec, errors="ignore")
    except UnicodeError:  # without the byte order mark at the begin of the file
        return ""


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
        csv_format: Format by which they were split.
        lines: Number of the line on which each row ends.
        rows: Rows that are not blank.
        start: Number of the rows above the header.
    """

    csv_format: CsvFormat
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    start: int

    @classmethod
    def of(cls, text: str, csv_format: CsvFormat) -> _Layout:
        """Splits the first rows of a text."""
        plain = "".join(plain_lines(io.StringIO(text, newline=""), csv_format))
        reader = csv.reader(
            io.StringIO(plain, newline=""),
            delimiter=csv_format.delimiter,
            quotechar=csv_format.quote or None,
            quoting=csv.QUOTE_MINIMAL if csv_format.quote else csv.QUOTE_NONE,
        )
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        for row in itertools.islice(reader, _ROWS):
            if row:
                rows.append(tuple(row))
                lines.append(reader.line_num)
        return cls(csv_format, tuple(lines), tuple(rows), _rows_above(rows))

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


def _comment(_: Path, layout: _Layout, __: str) -> str:
    """Sign at the begin of lines that are no rows, if all lines with it are none."""
    width = len(layout.header)
    marked = [row for row in layout.rows if row[0].lstrip().startswith(_COMMENT_MARKS)]
    if not marked or not layout.has_table or len(marked) < layout.start:
        return ""
    mark = next(mark for mark in _COMMENT_MARKS if marked[0][0].lstrip().startswith(mark))
    same = [row for row in layout.rows if row[0].lstrip().startswith(mark)]
    return "" if any(len(row) == width for row in same) else mark


def _lines_above(_: Path, layout: _Layout, __: str) -> int:
    """Number of the lines above the header."""
    if not layout.start:
        return 0
    within = sum(len(_LINE_BREAK.findall(name)) for name in layout.header)
    return layout.lines[layout.start] - within - 1


def _escape(path: Path, layout: _Layout, text: str) -> str:
    """Backslash, if it stands before quotes within values.

    Raises:
        UsageError: If quotes are doubled, too.
    """
    csv_format = layout.csv_format
    quote, delimiter = re.escape(csv_format.quote), re.escape(csv_format.delimiter)
    inside = rf"\\{quote}(?!{delimiter}|[\r\n]|$|{quote})"
    if not csv_format.quote or not (match := re.search(inside, text)):
        return ""
    settled = csv_format.model_dump() | {"escape": "\\"}
    if _Layout.of(text, CsvFormat.model_validate(settled)).fit[0] < layout.fit[0]:
        return ""
    signs = rf"{delimiter}\r\n{quote}\\"
    if doubled := re.search(rf"[^{signs}]{quote}{quote}[^{signs}]", text):
        lines = [len(_LINE_BREAK.findall(text[: each.start()])) + 1 for each in (match, doubled)]
        raise UsageError(
            f"{path}: quotes within values are written as \\{csv_format.quote} in line {lines[0]} "
            f"and as {csv_format.quote * 2} in line {lines[1]}. Pass what holds: --csv "
            "'escape=\\', or --csv escape= for none."
        )
    return "\\"


def _trim(_: Path, layout: _Layout, __: str) -> bool:
    """True if a blank follows or precedes nearly each delimiter."""
    rows = layout.rows[layout.start :]
    behind = [value for row in rows for value in row[1:] if value.strip()]
    before = [value for row in rows for value in row[:-1] if value.strip()]
    return (
        _share(value.startswith(" ") for value in behind) >= _MOST
        or _share(value.endswith(" ") for value in before) >= _MOST
    )


def _lines_below(layout: _Layout, tail: str) -> int:
    """Number of the lines below the rows: notes, and above them a total of the rows."""
    if not layout.body:
        return 0
    width = len(layout.header)
    numbered = _share(is_number(row[0]) for row in layout.body) >= _MOST
    rows = _last_rows(tail, layout.csv_format)
    count = 0
    while count < len(rows) and _is_note(rows[-1 - count], width, numbered):
        count += 1
    total = rows[-1 - count] if count < len(rows) else ()
    word = next((value for value in total if value.strip()), "").strip().casefold().rstrip(":")
    return count + (word in _TOTALS and len(total) <= width)


def _last_rows(tail: str, csv_format: CsvFormat) -> list[list[str]]:
    """Values in the last lines that are not blank, without regard to quotes over several lines."""
    lines = [line for line in _LINE_BREAK.split(tail.rstrip("\x1a")) if line.strip()]
    plain = plain_lines(lines[-_MOST_TITLE_LINES:], csv_format.model_copy(update={"skip_lines": 0}))
    return [
        row
        for line in plain
        for row in csv.reader(
            [line],
            delimiter=csv_format.delimiter,
            quotechar=csv_format.quote or None,
            quoting=csv.QUOTE_MINIMAL if csv_format.quote else csv.QUOTE_NONE,
        )
        if row
    ]


def _is_note(row: Sequence[str], width: int, numbered: bool) -> bool:
    """True for a line with a single text; False for a row whose last values are missing."""
    texts = [value.strip() for value in row if value.strip()]
    if len(texts) != 1 or not row[0].strip() or not re.search(r"[^\W\d_]{2}", texts[0]):
        return False
    if len(row) >= width:  # perhaps a row with nothing but its first value
        return ": " in texts[0]
    return numbered or bool(re.search(r"[\s:]|^\W", texts[0]))


def _no_header(layout: _Layout) -> str | None:
    """Refuses a first line with numbers above numbers or other values of the columns."""
    header = layout.header
    rows = [row for row in _even(layout) if row != header]
    if not rows:
        return None
    columns = [[value for value in values if value.strip()] for values in zip(*rows, strict=True)]
    named = list(zip(header, columns, strict=True))
    numbers = [name for name, values in named if _all_alike(is_number, name, values)]
    dates = [name for name, values in named if _all_alike(_is_date, name, values)]
    texts = [(name, values) for name, values in named if name not in numbers + dates]
    in_values = [name for name, values in texts if name in values]
    # Years and numbers of questions may be names. Dates above dates are not; nor are fractions,
    # unless they are alone among names.
    fractions = [name for name in numbers if not name.strip().isdigit()]
    certain = dates or (fractions if in_values or len(fractions) > 1 else [])
    if not certain and len(in_values) < len(texts):
        return None
    if value := next(iter(certain or numbers), None):
        why = f"{value.strip()!r} is a {'date' if dates else 'number'} like those below it"
    else:
        why = f"{header[0]!r} and the others are values of the rows below it"
    return (
        f": line {layout.lines[layout.start]} seems to be data, where the names of the columns are "
        f"expected ({why}). Pass them: --csv 'header=[age, income]', or --csv header=none for "
        "column_1, column_2, …; or put a line with names above it."
    )


def _all_alike(test: Callable[[str], bool], name: str, values: Sequence[str]) -> bool:
    return test(name) and bool(values) and _share(map(test, values)) > _MOST


def _is_date(text: str) -> bool:
    return bool(_DATE.fullmatch(text.strip()))


def _even(layout: _Layout) -> list[tuple[str, ...]]:
    return [row for row in layout.body if len(row) == len(layout.header)]


def _share(facts: collections.abc.Iterable[bool]) -> float:
    known = list(facts)
    return sum(known) / len(known) if known else 0.0


def is_number(text: str) -> bool:
    """True for text that Python reads as a number, such as `1.5` or `nan`."""
    try:
        float(text)
    except ValueError:
        return False
    return True

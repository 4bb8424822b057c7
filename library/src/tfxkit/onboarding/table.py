"""Files as one table in memory, with checked column names, decimal separator and missing values.

Of very many rows, only the first of each file are read.
"""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from tfxkit.config.data import CsvFormat
from tfxkit.errors import UsageError
from tfxkit.onboarding.source import Source, detect_format, open_unpacked, suffix

MAX_ROWS = 200_000  # of all files together; fewer decide on a role
_BLOCK_BYTES = 4 << 20
MAX_COLUMNS = 500  # 1,000 took four minutes of CPU time before training began
ROW_NUMBERS = ""  # name of the first column, of row numbers, in files that R and pandas write
_SHOWN_NAMES = 5
_WITH_COMMA = r"^\s*[+-]?\d+(?:,\d+)?\s*$"
_WITH_POINT = r"^\s*[+-]?\d+\.\d+\s*$"
_FRACTION = r",(?:\d{1,2}|\d{4,})\s*$"  # 1,234 may be a thousand
_NEARLY_ALL = 0.95  # of the values: a typing error does not turn numbers into words
# Among numbers, each of these words stands for a missing value.
MISSING_AMONG_NUMBERS = frozenset(
    {"NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "Null", "null", "None", "none", "nil"}
    | {"#N/A", "#NA", "?", "-", "--", ".", "*", "missing", "unknown"}
)
# In text, only those that are no word: somebody may be called None, and a grade may be "-".
MISSING_IN_TEXT = frozenset({"NA", "N/A", "n/a", "NaN", "NULL", "null", "?", "#N/A", "#NA"})
_SENTINELS = frozenset([-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999])
# Distance from all other values, as a share of their range; any distance if only it is negative.
_FAR = 0.5
_SCALE = 2  # -1, 0 and 1 are a scale
_OFTEN = 3  # rows: once or twice may be a typing error


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of the data.

    Attributes:
        columns: Text if from CSV (empty text is null), the types of the file if from Parquet.
        csv_format: Format of the CSV files; None for Parquet.
        whole: True if these are all rows.
        numbered: True if there is a first column without a name, which is left out.
    """

    columns: pa.Table
    csv_format: CsvFormat | None
    whole: bool
    numbered: bool = False


def read_table(source: Source) -> Table:
    """Reads the files.

    Raises:
        UsageError: If the files cannot be read, hold no rows or differ in their columns, if a row
            has too few or too many values, or if names of columns are missing or repeated.
    """
    parquet = suffix(source.files[0]) == ".parquet"
    dialects = [] if parquet else [detect_format(path) for path in source.files]
    if len(set(dialects)) > 1:
        raise UsageError(
            f"{source.files[0]} is written with {_shown(dialects[0])}, another file with "
            f"{_shown(next(other for other in dialects if other != dialects[0]))}: write all alike."
        )
    limit = -(-MAX_ROWS // len(source.files))
    tables: list[pa.Table] = []
    whole = True
    for path in source.files:
        batches = _parquet(path) if parquet else _csv(path, dialects[0])
        table, complete = _first_rows(path, batches, limit)
        check_names(path, table.column_names, in_text=not parquet)
        if tables and set(table.column_names) != set(tables[0].column_names):
            differing = sorted(set(table.column_names) ^ set(tables[0].column_names))
            raise UsageError(
                f"{path} has other columns than {source.files[0]}: {first_names(differing)} "
                "in one of them only."
            )
        tables.append(table.select(tables[0].column_names if tables else table.column_names))
        whole &= complete
    try:
        together = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except pa.ArrowException as error:
        raise UsageError(f"The files have columns of different types: {error}") from error
    if odd := [f"{field.name} ({field.type})" for field in together.schema if not _flat(field)]:
        raise UsageError(
            f"No single value, or one that cannot be read: {first_names(odd)}. Leave it out."
        )
    if numbered := ROW_NUMBERS in together.column_names:
        together = together.drop_columns([ROW_NUMBERS])
    if not dialects:
        return Table(together, None, whole, numbered)
    csv_format = dialects[0].model_copy(update={"decimal": decimal_of(together)})
    return Table(together, csv_format, whole, numbered)


def _first_rows(path: Path, batches: Iterator[pa.RecordBatch], limit: int) -> tuple[pa.Table, bool]:
    taken: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        taken.append(batch.slice(0, limit - rows))
        rows += batch.num_rows
        if rows > limit:
            return pa.Table.from_batches(taken), False
    if not rows:
        raise UsageError(f"{path} has a header, but no rows.")
    return pa.Table.from_batches(taken), True


def _csv(path: Path, csv_format: CsvFormat) -> Iterator[pa.RecordBatch]:
    names = _header(path, csv_format)
    ragged = False

    def skip(_: pyarrow.csv.InvalidRow) -> str:
        nonlocal ragged
        ragged = True
        return "skip"

    try:
        with open_unpacked(path) as file:
            yield from pyarrow.csv.open_csv(
                file,
                pyarrow.csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    encoding=csv_format.encoding,
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=csv_format.delimiter,
                    quote_char=csv_format.quote,
                    newlines_in_values=True,
                    invalid_row_handler=skip,
                ),
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
    except (pa.ArrowException, OSError, EOFError) as error:
        if not ragged and "Empty CSV file" not in str(error) and len(names) == len(set(names)):
            raise UsageError(f"{path} cannot be read as CSV: {error}") from error
    if ragged:
        raise _ragged(path, csv_format)


def _ragged(path: Path, csv_format: CsvFormat) -> UsageError:
    from tfxkit.components.example_gen import csv_files  # loads TFX, which takes seconds

    return UsageError(str(csv_files.ragged(str(path), csv_format)))


def _header(path: Path, csv_format: CsvFormat) -> list[str]:
    encoding = "utf-8-sig" if csv_format.encoding == "utf-8" else csv_format.encoding
    with open_unpacked(path) as file:
        text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
        reader = csv.reader(text, delimiter=csv_format.delimiter, quotechar=csv_format.quote)
        names = next(filter(None, reader), [])
    check_names(path, names, in_text=True)
    return names


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with path.open("rb") as file:
            yield from pyarrow.parquet.ParquetFile(file).iter_batches(50_000, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}") from error


def _flat(field: pa.Field) -> bool:
    """True if ExampleGen can read such a column."""
    value = field.type
    if pa.types.is_dictionary(value):
        value = value.value_type
    if pa.types.is_nested(value):
        return False
    is_moment = pa.types.is_timestamp(value) or pa.types.is_date(value)
    return is_moment or not pa.types.is_temporal(value)


def _shown(csv_format: CsvFormat) -> str:
    return f"{csv_format.delimiter!r}, {csv_format.quote} and {csv_format.encoding}"


def check_names(path: Path, names: list[str], *, in_text: bool) -> None:
    """Checks the names of a file's columns.

    Args:
        path: The file.
        names: The names, in the order of the file.
        in_text: True if they come from the first line of a text, which may be no header.

    Raises:
        UsageError: If the names are numbers, missing, repeated, too few or too many.
    """
    if in_text and names and all(_is_number(name) for name in names):
        raise UsageError(
            f"{path}: the first line holds numbers ({first_names(names)}), where the names of the "
            "columns are expected. Put a line with names above it."
        )
    if "" in names[1:]:
        number = names.index("", 1) + 1
        raise UsageError(f"{path}: column {number} has no name. Name it, or leave it out.")
    names = names[1:] if names[:1] == [ROW_NUMBERS] else names
    if twice := [name for name, count in collections.Counter(names).items() if count > 1]:
        raise UsageError(
            f"{path} has more than one column of the name {first_names(twice)}. Rename all but one."
        )
    if len(names) == 1:
        raise UsageError(
            f"{path} has one column, {names[0]!r}: a label and something to predict it from are "
            "needed. Its values may be separated by none of: comma, semicolon, tab, |"
        )
    if len(names) > MAX_COLUMNS:
        raise UsageError(
            f"{path} has {len(names):,} columns; init takes up to {MAX_COLUMNS:,}. Write a file "
            "with the columns that matter, or condense groups of them (sums, components)."
        )


def first_names(names: list[str]) -> str:
    """Lists the first few of many names."""
    shown = ", ".join(map(repr, names[:_SHOWN_NAMES]))
    return f"{shown} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def decimal_of(table: pa.Table) -> str:
    """Decimal separator of the numbers in a table.

    It is a comma if nearly all values of a column are whole numbers or numbers with a comma, some
    with a fraction of other than three digits, and if no column has numbers with a point.

    Args:
        table: Columns of text.
    """
    comma = False
    for column in table.columns:
        text = column.filter(pc.invert(pc.is_in(column, pa.array(sorted(MISSING_AMONG_NUMBERS)))))
        text = text.drop_null()
        if _share(text, _WITH_POINT) > 0.5:  # noqa: PLR2004
            return "."
        comma |= _share(text, _WITH_COMMA) >= _NEARLY_ALL and _share(text, _FRACTION) > 0
    return "," if comma else "."


def has_commas(text: pa.Array) -> bool:
    """True if nearly all values are numbers, some of them with a comma."""
    text = text.drop_null().cast(pa.string())
    return _share(text, _WITH_COMMA) >= _NEARLY_ALL and _share(text, ",") > 0


def _share(text: pa.Array | pa.ChunkedArray, pattern: str) -> float:
    return pc.mean(pc.match_substring_regex(text, pattern).cast(pa.int8())).as_py() or 0.0


def count_markers(column: pa.Array, numbers: bool) -> dict[str, int]:
    """Counts the words for "missing" in a column of text.

    Args:
        column: Text.
        numbers: True if the other values are numbers.
    """
    known = MISSING_AMONG_NUMBERS if numbers else MISSING_IN_TEXT
    counts = pc.value_counts(column.filter(pc.is_in(column, pa.array(sorted(known)))))
    return {str(entry["values"]): entry["counts"].as_py() for entry in counts}


def find_sentinel(values: pa.Array) -> tuple[float, int] | None:
    """Finds a number that seems to stand for "missing", and counts its rows.

    It is the lowest or the highest value, a usual one such as -999, repeated, and far from the
    rest.
    """
    extremes: Mapping[str, float] = pc.min_max(values).as_py()
    for value in extremes.values():
        if value not in _SENTINELS:
            continue
        rest = values.filter(pc.not_equal(values, value))
        low, high = pc.min_max(rest).as_py().values()
        count = pc.sum(pc.equal(values, value)).as_py()
        if low is None or count < _OFTEN or high - low <= _SCALE:
            continue
        gap = low - value if value < low else value - high
        negative = value < 0 <= low
        if gap > _FAR * (high - low) or negative:
            return value, count
    return None

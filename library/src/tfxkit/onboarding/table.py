"""Files as columns in memory, with checked names and the decimal sign of numbers in text.

Of very many rows, only the first of each file are read.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from tfxkit.config.data import CsvFormat
from tfxkit.errors import DataError, UsageError
from tfxkit.onboarding.dialect import detect_format, is_number, left_out
from tfxkit.onboarding.source import Source, kind, suffix
from tfxkit.values.number_forms import UNKNOWN_SIGN, DecimalSign, find_decimal

MAX_ROWS = 200_000  # of all files together; fewer decide on a role
MAX_COLUMNS = 500  # 1,000 took four minutes of CPU time before training began
ROW_NUMBERS = ""  # name of the first column, of row numbers, in files that R and pandas write
_SHOWN_NAMES = 5
_LARGEST_INT = 2**63 - 1
_SENTINELS = frozenset([-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999])
# Distance from all other values, as a share of their range; any distance if only it is negative.
_FAR = 0.5
_SCALE = 2  # -1, 0 and 1 are a scale
_OFTEN = 3  # rows: once or twice may be a typing error
# Numbers in forms that no format reads: Indian groups (12,34,567), other digits than 0 to 9, limits
# and multiples (<0.1, 5+, 3.2M), and dashes for nothing ($ -).
_NUMBER = r"(?:\p{Nd}+(?:[.,]\p{Nd}+)?|\p{Nd}{1,3}(?:,\p{Nd}{2,3})+(?:\.\p{Nd}+)?)"
_ODD_NUMBER = (
    rf"^[<>~≈≤≥±]?\s*[-+−]?\p{{Sc}}?\s*{_NUMBER}\s*(?:\p{{Sc}}|[kKmM]|[MB]io|M[rd]d|[mb]n|\+)?$"
    r"|^\p{Sc}?\s*-$"
)
_PLAIN_NUMBER = r"^[-+]?[0-9]+(?:[.,][0-9]+)?$"
_ODD_SHARE, _ODD_VALUES = 0.9, 12  # of the different values, and their least number


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of the data.

    Attributes:
        columns: Values of each column, in arrays that may differ in type from file to file: text if
            from CSV, the types of the file if from JSON or Parquet.
        rows: Number of rows.
        kind: CSV, JSON lines or Parquet.
        whole: True if these are all rows.
        csv_format: Format of the CSV files; None for the others.
        decimal: Decimal sign of numbers in text.
        numbered: True if there is a first column without a name, which is left out.
        beyond_int64: Columns of integers of which some, in any row, need more than 64 bits.
        suspects: Remarks about rows for a person to check.
    """

    columns: Mapping[str, Sequence[pa.Array]]
    rows: int
    kind: str = "CSV"
    whole: bool = True
    csv_format: CsvFormat | None = None
    decimal: DecimalSign = UNKNOWN_SIGN
    numbered: bool = False
    beyond_int64: frozenset[str] = frozenset()
    suspects: tuple[str, ...] = ()


def read_table(source: Source, given: Mapping[str, object] | None = None) -> Table:
    """Reads the files.

    Args:
        source: The files.
        given: Keys of `CsvFormat` that the user named.

    Raises:
        UsageError: If the files cannot be read, hold no rows or differ in their columns, if a row
            has too few or too many values, or if names of columns are missing or repeated.
    """
    given = given or {}
    file_kind = kind(source.files[0])
    if file_kind != "CSV" and (of_text := sorted(given.keys() - {"decimal"})):
        raise UsageError(f"--csv {of_text[0]}: the files are {file_kind}.")
    csv_format = detect_format(source.files, given) if file_kind == "CSV" else None
    limit = -(-MAX_ROWS // len(source.files))
    pieces: dict[str, list[pa.Array]] = {}
    suspects: list[str] = []
    rows, whole = 0, True
    for path in source.files:
        head = _first_rows(path, csv_format, limit)
        columns = head.columns
        if head.repeated_headers:
            suspects.append(
                f"{path}: rows that repeat the header ({head.repeated_headers:,} among those "
                "examined) are left out."
            )
        if pieces and set(columns) != set(pieces):
            differing = sorted(set(columns) ^ set(pieces))
            raise UsageError(
                f"{path} has other columns than {source.files[0]}: {first_names(differing)} "
                "in one of them only."
            )
        for name, arrays in columns.items():
            pieces.setdefault(name, []).extend(arrays)
        rows += sum(map(len, next(iter(columns.values()))))
        whole &= not head.more
    numbered = pieces.pop(ROW_NUMBERS, None) is not None
    text = [array for arrays in pieces.values() for array in arrays]
    sign = given.get("decimal")
    decimal = DecimalSign(str(sign), certain=True) if sign else find_decimal(text)
    if csv_format:
        csv_format = csv_format.model_copy(update={"decimal": decimal.sign})
    is_parquet = file_kind == "Parquet"
    wide = frozenset().union(*map(_beyond_int64, source.files)) if is_parquet else frozenset()
    if csv_format:
        suspects += left_out(source.files, csv_format)
    return Table(
        pieces,
        rows,
        file_kind,
        whole,
        csv_format,
        decimal,
        numbered,
        wide,
        tuple(suspects),
    )


@dataclasses.dataclass(frozen=True)
class _Head:
    """First rows of a file, by column; the number of headers among them is of those left out."""

    columns: Mapping[str, list[pa.Array]]
    more: bool
    repeated_headers: int


def _first_rows(path: Path, csv_format: CsvFormat | None, limit: int) -> _Head:
    from tfxkit.components.example_gen.csv_files import CsvFile  # load TFX, which takes seconds
    from tfxkit.components.example_gen.files import JSON_SUFFIXES
    from tfxkit.components.example_gen.json_files import JsonFile
    from tfxkit.components.example_gen.tables import ParquetFile

    with _as_example_gen_names_it(path) as place:
        try:
            file: CsvFile | JsonFile | ParquetFile
            if csv_format:
                file = CsvFile(place, csv_format)
            else:
                is_json = place.endswith(JSON_SUFFIXES)
                file = JsonFile(place) if is_json else ParquetFile(place)
            names = file.column_names()
            check_names(path, names, in_text=csv_format is not None)
            taken: list[pa.RecordBatch] = []
            rows, more = 0, False
            for batch in file.batches(names):
                taken.append(batch.slice(0, limit - rows))
                rows += batch.num_rows
                if more := rows > limit:
                    break
        except DataError as error:
            raise UsageError(str(error).replace(place, str(path))) from error
    if not rows:
        raise UsageError(f"{path} has a header, but no rows.")
    repeated = file.repeated_headers if isinstance(file, CsvFile) else 0
    return _Head({name: [batch.column(name) for batch in taken] for name in names}, more, repeated)


@contextlib.contextmanager
def _as_example_gen_names_it(path: Path) -> Iterator[str]:
    """Path of a file under a name that has the suffix of its kind."""
    if path.name.endswith(suffix(path)):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, f"data{suffix(path)}")
        link.symlink_to(path.resolve())
        yield str(link)


def _beyond_int64(path: Path) -> frozenset[str]:
    """Columns of a Parquet file with unsigned integers that int64 cannot hold, in any row group."""
    metadata = pyarrow.parquet.read_metadata(path)
    found = set()
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            most = column.statistics.max if column.is_stats_set else None
            if isinstance(most, int) and most > _LARGEST_INT:
                found.add(column.path_in_schema)
    return frozenset(found)


def check_names(path: Path, names: list[str], *, in_text: bool) -> None:
    """Checks the names of a file's columns.

    Args:
        path: The file.
        names: The names, in the order of the file.
        in_text: True if they come from the first line of a text, which may be no header.

    Raises:
        UsageError: If the names are numbers, missing, repeated, too few or too many.
    """
    if in_text and names and all(is_number(name) for name in names):
        raise UsageError(
            f"{path}: the first line holds numbers ({first_names(names)}), where the names of the "
            "columns are expected. Put a line with names above it, or pass --csv header=none."
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
        delimiters = " No comma, semicolon, tab or | separates its values."
        raise UsageError(
            f"{path} has one column, {names[0]!r}: a label and something to predict it from are "
            f"needed.{delimiters if in_text else ''}"
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


def find_odd_number(text: pa.Array) -> tuple[int, str] | None:
    """Finds an example of numbers in a form that is not read, and counts such numbers.

    Nearly all of the many different values must be numbers.
    """
    rows = text.drop_null().cast(pa.string())
    is_odd = pc.and_not(
        pc.match_substring_regex(rows, _ODD_NUMBER), pc.match_substring_regex(rows, _PLAIN_NUMBER)
    )
    different = pc.unique(rows)
    if len(different) <= _ODD_VALUES or not pc.any(is_odd).as_py():
        return None
    matched = pc.match_substring_regex(different, f"{_ODD_NUMBER}|{_PLAIN_NUMBER}")
    if pc.mean(matched.cast(pa.int8())).as_py() < _ODD_SHARE:
        return None
    return pc.sum(is_odd).as_py(), rows.filter(is_odd)[0].as_py()

"""Files as one table in memory: the first rows of each, if they are very many."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pipeline.errors import UsageError
from pipeline.inspection.dialect import Dialect, detect, open_plain
from pipeline.inspection.source import Source, suffix

MAX_ROWS = 200_000  # of all files together: what a role depends on shows in fewer
MAX_COLUMNS = 1_000  # beyond, the graph of Transform takes minutes to build and serve
_BLOCK_BYTES = 4 << 20
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Table:
    """What was read.

    Attributes:
        columns: Text if from CSV (empty text is null), the types of the file if from Parquet.
        dialect: How the CSV files are written; None for Parquet.
        whole: Whether these are all rows.
    """

    columns: pa.Table
    dialect: Dialect | None
    whole: bool


def read(source: Source) -> Table:
    """Reads the files.

    Raises:
        UsageError: If they cannot be read, hold no rows, differ in their columns, if a row has too
            few or too many values, or if columns have no name of their own.
    """
    parquet = suffix(source.files[0]) == ".parquet"
    dialects = [] if parquet else [detect(path) for path in source.files]
    if len(set(dialects)) > 1:
        raise UsageError(
            f"{source.files[0]} is written with {_shown(dialects[0])}, another file with "
            f"{_shown(next(one for one in dialects if one != dialects[0]))}: write all alike."
        )
    limit = -(-MAX_ROWS // len(source.files))
    tables: list[pa.Table] = []
    whole = True
    for path in source.files:
        batches = _parquet(path) if parquet else _csv(path, dialects[0])
        table, complete = _first_rows(path, batches, limit)
        _check_names(path, table.column_names, dialects[0] if dialects else None)
        if tables and set(table.column_names) != set(tables[0].column_names):
            differing = sorted(set(table.column_names) ^ set(tables[0].column_names))
            raise UsageError(
                f"{path} has other columns than {source.files[0]}: {_some(differing)} "
                "in one of them only."
            )
        tables.append(table.select(tables[0].column_names if tables else table.column_names))
        whole &= complete
    try:
        together = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except pa.ArrowException as error:
        raise UsageError(f"The files have columns of different types: {error}") from error
    return Table(together, dialects[0] if dialects else None, whole)


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


def _csv(path: Path, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    names = _header(path, dialect)
    ragged: list[pyarrow.csv.InvalidRow] = []

    def collect(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        with open_plain(path) as file:
            yield from pyarrow.csv.open_csv(
                file,
                # Names of our own, for two columns may have the same; threads lose row numbers.
                pyarrow.csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    encoding=dialect.encoding,
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=dialect.delimiter,
                    quote_char=dialect.quote,
                    newlines_in_values=True,
                    invalid_row_handler=collect,
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
        raise UsageError(_ragged(path, dialect, ragged))


def _ragged(path: Path, dialect: Dialect, rows: list[pyarrow.csv.InvalidRow]) -> str:
    wanted = {row.number - 1 for row in rows[:_SHOWN]}  # Arrow counts the header as the first
    lines = {}
    with open_plain(path) as file:
        text = io.TextIOWrapper(file, dialect.encoding, errors="replace", newline="")
        reader = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote)
        for number, _ in enumerate(row for row in reader if row):
            if number in wanted:
                lines[number] = reader.line_num
            if len(lines) == len(wanted):
                break
    shown = "\n".join(
        f"  line {lines.get(row.number - 1, '?')}: {row.actual_columns} values: {row.text[:80]!r}"
        for row in rows[:_SHOWN]
    )
    more = f"\n  and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    return (
        f"{path}: the header names {rows[0].expected_columns} columns, but {len(rows):,} "
        f"row{'s have' if len(rows) > 1 else ' has'} another number of values:\n{shown}{more}\n"
        f"Mend them. A value that contains {dialect.delimiter!r} or a quote must be put in quotes."
    )


def _header(path: Path, dialect: Dialect) -> list[str]:
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    with open_plain(path) as file:
        text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
        reader = csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote)
        names = next(filter(None, reader), [])
    _check_names(path, names, dialect)
    return names


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        with path.open("rb") as file:
            yield from pyarrow.parquet.ParquetFile(file).iter_batches(50_000, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}") from error


def _check_names(path: Path, names: list[str], dialect: Dialect | None) -> None:
    if dialect and names and all(_is_number(name) for name in names):
        raise UsageError(
            f"{path}: the first line holds numbers ({_some(names)}), where the names of the "
            "columns are expected. Put a line with names above it."
        )
    if "" in names:
        raise UsageError(
            f"{path}: column {names.index('') + 1} has no name. Name it, or leave it out "
            "(pandas writes such a column unless told index=False)."
        )
    if twice := [name for name, count in collections.Counter(names).items() if count > 1]:
        raise UsageError(
            f"{path} has more than one column of the name {_some(twice)}. Rename all but one."
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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shown(dialect: Dialect) -> str:
    return f"{dialect.delimiter!r}, {dialect.quote} and {dialect.encoding}"


def _some(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown

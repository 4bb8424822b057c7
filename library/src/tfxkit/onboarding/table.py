"""Files as one table in memory: the first rows of each, if they are very many."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tfxkit.config.data import CsvFormat
from tfxkit.errors import UsageError
from tfxkit.onboarding.column_names import ROW_NUMBERS, check_names, some
from tfxkit.onboarding.decimals import decimal_of
from tfxkit.onboarding.dialect import detect, open_plain
from tfxkit.onboarding.source import Source, suffix

MAX_ROWS = 200_000  # of all files together: what a role depends on shows in fewer
_BLOCK_BYTES = 4 << 20


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows that were read.

    Attributes:
        columns: Text if from CSV (empty text is null), the types of the file if from Parquet.
        how: How the CSV files are written; None for Parquet.
        whole: Whether these are all rows.
        numbered: Whether there is a first column without a name, which is left out.
    """

    columns: pa.Table
    how: CsvFormat | None
    whole: bool
    numbered: bool = False


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
        check_names(path, table.column_names, in_text=not parquet)
        if tables and set(table.column_names) != set(tables[0].column_names):
            differing = sorted(set(table.column_names) ^ set(tables[0].column_names))
            raise UsageError(
                f"{path} has other columns than {source.files[0]}: {some(differing)} "
                "in one of them only."
            )
        tables.append(table.select(tables[0].column_names if tables else table.column_names))
        whole &= complete
    try:
        together = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    except pa.ArrowException as error:
        raise UsageError(f"The files have columns of different types: {error}") from error
    if odd := [f"{field.name} ({field.type})" for field in together.schema if not _flat(field)]:
        raise UsageError(f"No single value, or one that cannot be read: {some(odd)}. Leave it out.")
    if numbered := ROW_NUMBERS in together.column_names:
        together = together.drop_columns([ROW_NUMBERS])
    if not dialects:
        return Table(together, None, whole, numbered)
    how = dialects[0].model_copy(update={"decimal": decimal_of(together)})
    return Table(together, how, whole, numbered)


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


def _csv(path: Path, how: CsvFormat) -> Iterator[pa.RecordBatch]:
    names = _header(path, how)
    ragged = False

    def skip(_: pyarrow.csv.InvalidRow) -> str:
        nonlocal ragged
        ragged = True
        return "skip"

    try:
        with open_plain(path) as file:
            yield from pyarrow.csv.open_csv(
                file,
                pyarrow.csv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK_BYTES,
                    encoding=how.encoding,
                ),
                pyarrow.csv.ParseOptions(
                    delimiter=how.delimiter,
                    quote_char=how.quote,
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
        raise _ragged(path, how)


def _ragged(path: Path, how: CsvFormat) -> UsageError:
    from tfxkit.components.example_gen import csv_files  # loads TFX, which takes seconds

    return UsageError(str(csv_files.ragged(str(path), how)))


def _header(path: Path, how: CsvFormat) -> list[str]:
    encoding = "utf-8-sig" if how.encoding == "utf-8" else how.encoding
    with open_plain(path) as file:
        text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
        reader = csv.reader(text, delimiter=how.delimiter, quotechar=how.quote)
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
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind):
        return False
    return not pa.types.is_temporal(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)


def _shown(how: CsvFormat) -> str:
    return f"{how.delimiter!r}, {how.quote} and {how.encoding}"

"""Data files as tables, read by the same rules for training and `predict`."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from tfxkit.components.example_gen.columns import Misfits, Rounded, check_names, read_columns
from tfxkit.components.example_gen.csv_files import CsvFile
from tfxkit.components.example_gen.files import (
    CSV_SUFFIXES,
    JSON_SUFFIXES,
    PARQUET_SUFFIXES,
    Part,
    open_binary,
)
from tfxkit.components.example_gen.json_files import JsonFile
from tfxkit.config.data import PLAIN_CSV, CsvFormat
from tfxkit.errors import DataError
from tfxkit.storage.artifacts import PROVENANCE_KEY
from tfxkit.storage.filesystems import fileio
from tfxkit.values.columns import ARROW_TYPES, guess_type
from tfxkit.values.reading import ColumnReading, Reading

logger = logging.getLogger(__name__)

_BATCH_ROWS = 50_000  # of a Parquet file
_DELIMITERS = ",;\t|: "
_NO_TYPES: Mapping[str, str] = {}


def read_batches(
    path: str,
    reading: Reading,
    csv: CsvFormat = PLAIN_CSV,
    guessed: Mapping[str, str] = _NO_TYPES,
    part: Part | None = None,
    *,
    rounded: Rounded | None = None,
) -> Iterator[pa.RecordBatch]:
    """Reads a file in batches that fit into memory, in the order of its rows.

    Args:
        path: A file that ends in one of `files.SUFFIXES`.
        reading: Reading of the columns of the schema.
        csv: Dialect of a CSV file. Its missing words and decimal sign do not count: `reading` has
            them.
        guessed: Types of columns that the schema lacks, see `guess_types`.
        part: Part of the file to read; None for the whole file, whose errors give their place.
        rounded: Collects whole numbers that the type FLOAT changes.

    Yields:
        Batches of int64, float32 and binary columns, null where a value is missing. Columns
        without a type are left out.

    Raises:
        DataError: If the file is unreadable or has no column of the schema, or if values do not fit
            their types; these are collected over the whole file.
    """
    columns = {**_readings(guessed), **reading.columns}
    if reading.rules == 1:  # the CSV parser replaces words for missing values, there alone
        is_csv = path.endswith(CSV_SUFFIXES)
        csv = csv.model_copy(update={"missing": reading.missing})
        reading = reading if is_csv else reading.model_copy(update={"decimal": "."})
    else:
        csv = _without_words(csv)
    file = _file(path, csv, part)
    names = [name for name in _names(file, path, reading.columns, csv) if name in columns]
    misfits = Misfits(path, file.place_of_row, reading, rounded=rounded)
    yield from read_columns(file.batches(names), columns, misfits)
    if isinstance(file, CsvFile) and file.repeated_headers:
        logger.warning(
            "%s: %d rows that repeat the header are left out", path, file.repeated_headers
        )


def read_raw_batches(
    path: str, expected: Collection[str], csv: CsvFormat = PLAIN_CSV
) -> Iterator[pa.RecordBatch]:
    """Reads all columns of a file unconverted, in the same batches of rows as `read_batches`.

    Args:
        path: A file that ends in one of `files.SUFFIXES`.
        expected: Columns of the schema, to refuse a file without any of them.
        csv: Dialect of a CSV file; its words for missing values are kept as text.

    Yields:
        Batches with all columns of the file: text if it is CSV or JSON, its own types if it is
        Parquet.

    Raises:
        DataError: If the file is unreadable or has no column of the schema.
    """
    file = _file(path, _without_words(csv))
    for batch in file.batches(_names(file, path, expected, csv)):
        yield _as_text(batch) if isinstance(file, JsonFile) else batch


def column_names(path: str, expected: Collection[str], csv: CsvFormat = PLAIN_CSV) -> list[str]:
    """Columns of a file, except a first one without a name, in which R and pandas number rows.

    Args:
        path: A file that ends in one of `files.SUFFIXES`.
        expected: Columns of the schema.
        csv: Dialect of a CSV file.

    Raises:
        DataError: If a column has no name or that of another, or if the schema has none of them.
    """
    return _names(_file(path, csv), path, expected, csv)


def _names(
    file: CsvFile | JsonFile | ParquetFile, path: str, expected: Collection[str], csv: CsvFormat
) -> list[str]:
    names = file.column_names()
    skipped = int(names[:1] == [""])
    names = names[skipped:]
    is_csv = path.endswith(CSV_SUFFIXES)
    has_expected = not is_csv or bool(set(names) & set(expected))
    if delimiter := None if has_expected else _likely_delimiter(path, expected, csv):
        raise DataError(
            f"{path} has none of the columns in configs/schema.pbtxt, because its values are "
            f"separated by {delimiter!r}: set data.csv.delimiter to that."
        )
    remedy = (
        "Does its first line hold the names of the columns?"
        if is_csv
        else "Is it the file of another table?"
    )
    check_names(names, expected, path, remedy, skipped + 1)
    return names


def guess_types(path: str, reading: Reading, csv: CsvFormat = PLAIN_CSV) -> dict[str, str]:
    """Infers types for the columns that the schema lacks, so that they can be validated.

    Args:
        path: A file that ends in one of `files.SUFFIXES`.
        reading: Reading of the columns of the schema.
        csv: Dialect of a CSV file.

    Returns:
        INT, FLOAT or BYTES by column name, without columns that have no values. Empty if the file
        is unreadable, an error that `read_batches` reports.
    """
    try:
        file = _file(path, _without_words(csv))
        in_file = _names(file, path, reading.columns, csv)
        names = [name for name in in_file if name not in reading.columns]
        return file.guess_types(names, reading) if names else {}
    except DataError:
        return {}


def widest_types(guesses: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Widest type of each column over all files: BYTES before FLOAT before INT."""
    widest: dict[str, str] = {}
    order = list(ARROW_TYPES)
    for guess in guesses:
        for name, type_name in guess.items():
            widest[name] = max(widest.get(name, order[0]), type_name, key=order.index)
    return dict(sorted(widest.items()))


def read_provenance(path: str) -> dict[str, Any] | None:
    """Provenance in a data file; None for a file that `ingest` did not write, or that is broken."""
    if not path.endswith(PARQUET_SUFFIXES) or not fileio.exists(path):
        return None
    try:
        with open_binary(path) as stream:
            metadata = pyarrow.parquet.ParquetFile(stream).metadata.metadata or {}
        provenance = json.loads(metadata.get(PROVENANCE_KEY, b"null"))
    except (DataError, OSError, ValueError, pa.ArrowException):
        return None
    return provenance if isinstance(provenance, dict) else None


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Columns of JSON as text, which is of one type in all batches."""
    return pa.RecordBatch.from_arrays(
        [_json_text(column) for column in batch.columns], batch.schema.names
    )


def _json_text(column: pa.Array) -> pa.Array:
    if pa.types.is_struct(column.type):
        return pc.struct_field(column, 0)
    if pa.types.is_list(column.type):
        return pc.list_element(column, 0)
    return column.cast(pa.string())


def _file(path: str, csv: CsvFormat, part: Part | None = None) -> CsvFile | JsonFile | ParquetFile:
    if path.endswith(PARQUET_SUFFIXES):
        return ParquetFile(path, (part.number, part.of)) if part else ParquetFile(path)
    if path.endswith(JSON_SUFFIXES):
        return JsonFile(path)
    return CsvFile(path, csv, part.pieces if part else None)


def _without_words(csv: CsvFormat) -> CsvFormat:
    """Format whose words for missing values stay text."""
    return csv.model_copy(update={"missing": ()})


def _readings(types: Mapping[str, str]) -> dict[str, ColumnReading]:
    return {name: ColumnReading.model_validate({"type": type_}) for name, type_ in types.items()}


def _likely_delimiter(path: str, expected: Collection[str], csv: CsvFormat) -> str | None:
    """Delimiter that would give the header a column of the schema."""
    for delimiter in set(_DELIMITERS) - {csv.delimiter, csv.quote}:
        try:
            names = _file(path, csv.model_copy(update={"delimiter": delimiter})).column_names()
        except DataError:
            continue
        if set(names) & set(expected):
            return delimiter
    return None


class ParquetFile:
    """A Parquet file. Each method opens it again."""

    def __init__(self, path: str, part: tuple[int, int] = (0, 1)) -> None:
        """Describes the file, without opening it.

        Args:
            path: A file that ends in one of `files.PARQUET_SUFFIXES`.
            part: Number and count of the part that `batches` reads: row groups, of about equal
                rows.
        """
        self._path = path
        self._part = part

    def column_names(self) -> list[str]:
        """Names of the columns.

        Raises:
            DataError: If the file is not Parquet.
        """
        return self._fields().names

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Reads columns, in the order of the file.

        Raises:
            DataError: If the file is not Parquet or is damaged.
        """
        try:
            with open_binary(self._path) as file:
                parquet = pyarrow.parquet.ParquetFile(file, page_checksum_verification=True)
                groups = self._row_groups(parquet)
                if not groups:  # iter_batches raises an error (pyarrow 18.1)
                    return
                yield from parquet.iter_batches(
                    _BATCH_ROWS, groups, columns=list(names), use_threads=False
                )
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error

    def guess_types(self, names: Sequence[str], reading: Reading) -> dict[str, str]:
        """INT, FLOAT or BYTES for columns that the schema lacks, from their types in the file."""
        del reading  # only text has missing words and a decimal sign
        fields = [field for field in self._fields() if field.name in names]
        return {field.name: guess for field in fields if (guess := guess_type(field.type))}

    def place_of_row(self, row: int) -> str:
        """Number of a row, given the number of rows before it; there are no lines."""
        return f"row {row + 1}"

    def _row_groups(self, parquet: pyarrow.parquet.ParquetFile) -> list[int]:
        """Row groups of the part, each of them in the part of its first row."""
        number, parts = self._part
        metadata = parquet.metadata
        rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        begins = list(itertools.accumulate(rows, initial=0))
        total = max(begins.pop(), 1)
        return [i for i, begin in enumerate(begins) if rows[i] and begin * parts // total == number]

    def _fields(self) -> pa.Schema:
        try:
            with open_binary(self._path) as file:
                return pyarrow.parquet.ParquetFile(file).schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> DataError:
        return DataError(f"{self._path} cannot be read as Parquet: {error}\nReplace the file.")

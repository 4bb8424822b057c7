"""Files as tables of the types that the schema gives: the same for training and for `predict`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from tfxkit.components.example_gen import csv_files, parquet_files
from tfxkit.components.example_gen.columns import (
    ARROW_TYPES,
    Misfits,
    check_names,
    convert_batches,
)
from tfxkit.components.example_gen.csv_files import CsvFile
from tfxkit.components.example_gen.parquet_files import ParquetFile
from tfxkit.components.example_gen.parts import Part
from tfxkit.config.csv_format import PLAIN, CsvFormat
from tfxkit.errors import DataError

SUFFIXES = csv_files.SUFFIXES + parquet_files.SUFFIXES
_DELIMITERS = ",;\t|: "
_NO_TYPES: Mapping[str, str] = {}


def read_batches(
    path: str,
    types: Mapping[str, str],
    csv: CsvFormat = PLAIN,
    guessed: Mapping[str, str] = _NO_TYPES,
    part: Part | None = None,
) -> Iterator[pa.RecordBatch]:
    """Reads a file in batches that fit into memory, its rows in their order.

    Args:
        path: A file that ends in one of `SUFFIXES`.
        types: INT, FLOAT or BYTES by the name of the column, from the schema.
        csv: How it is written, if it is CSV.
        guessed: The same for columns that are not in the schema (`guess_types`).
        part: What is read of the file; None for all of it. Errors say where only if it is all.

    Yields:
        Batches of int64, float32 and binary columns; null is a missing value, as is empty text.
        A column without a type is left out.

    Raises:
        DataError: If the file cannot be read or has no column in common with the schema, or if
            values do not fit their types: these are collected over the whole file.
    """
    all_types = {**guessed, **types}
    names = [name for name in column_names(path, types, csv) if name in all_types]
    file = _file(path, csv, part)
    decimal = csv.decimal if isinstance(file, CsvFile) else "."
    misfits = Misfits(path, file.place_of_row, decimal)
    yield from convert_batches(file.batches(names), all_types, misfits)


def read_raw_batches(
    path: str, types: Mapping[str, str], csv: CsvFormat = PLAIN
) -> Iterator[pa.RecordBatch]:
    """Reads all columns of a file as they are, in the same batches of rows as `read_batches`.

    Args:
        path: A file that ends in one of `SUFFIXES`.
        types: As for `read_batches`; decides nothing but whether the file is fit to be read.
        csv: How it is written, if it is CSV; words for missing values stay as they are.

    Yields:
        Batches with the columns of the file: of text if it is CSV, of its own types if Parquet.

    Raises:
        DataError: If the file cannot be read or has no column in common with the schema.
    """
    names = column_names(path, types, csv)
    yield from _file(path, csv.model_copy(update={"missing": ()})).batches(names)


def column_names(path: str, types: Mapping[str, str], csv: CsvFormat = PLAIN) -> list[str]:
    """The columns of a file, but for a first one without a name: R and pandas number rows there.

    Raises:
        DataError: If a column has no name, or that of another, or if the schema knows none.
    """
    names = _file(path, csv).column_names()
    skipped = int(names[:1] == [""])
    names = names[skipped:]
    delimiter = None if set(names) & set(types) else _likely_delimiter(path, types, csv)
    if delimiter:
        raise DataError(
            f"{path} has none of the columns in configs/schema.pbtxt, because its values are "
            f"separated by {delimiter!r}: set data.csv.delimiter to that."
        )
    remedy = "Does its first line hold the names of the columns?"
    check_names(names, types, path, remedy, skipped + 1)
    return names


def guess_types(path: str, types: Mapping[str, str], csv: CsvFormat = PLAIN) -> dict[str, str]:
    """Types for the columns of a file that are not in the schema, so that they can be validated.

    Args:
        path: A file that ends in one of `SUFFIXES`.
        types: The columns that are in the schema.
        csv: How it is written, if it is CSV.

    Returns:
        INT, FLOAT or BYTES. Nothing for a column without values, or if the file cannot be read:
        reading it then tells.
    """
    try:
        names = [name for name in column_names(path, types, csv) if name not in types]
        return _file(path, csv).guess_types(names) if names else {}
    except DataError:
        return {}


def widest_types(guesses: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """One type for each column that suits all files: BYTES if any says so, else FLOAT, else INT."""
    widest: dict[str, str] = {}
    order = list(ARROW_TYPES)
    for guess in guesses:
        for name, type_name in guess.items():
            widest[name] = max(widest.get(name, order[0]), type_name, key=order.index)
    return dict(sorted(widest.items()))


def _file(path: str, csv: CsvFormat, part: Part | None = None) -> CsvFile | ParquetFile:
    if path.endswith(parquet_files.SUFFIXES):
        return ParquetFile(path, (part.number, part.of)) if part else ParquetFile(path)
    return CsvFile(path, csv, part.pieces if part else None)


def _likely_delimiter(path: str, types: Mapping[str, str], csv: CsvFormat) -> str | None:
    """One with which the header has names that the schema knows."""
    for delimiter in set(_DELIMITERS) - {csv.delimiter, csv.quote}:
        try:
            names = _file(path, csv.model_copy(update={"delimiter": delimiter})).column_names()
        except DataError:
            continue
        if set(names) & set(types):
            return delimiter
    return None

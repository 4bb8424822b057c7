"""Parquet files as batches of columns of the types they were written with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet

from tfxkit.components.example_gen.columns import guess_type
from tfxkit.components.example_gen.files import open_binary
from tfxkit.errors import DataError

SUFFIXES = (".parquet",)
_BATCH_ROWS = 50_000


class ParquetFile:
    """One file; it is opened anew by each of the methods."""

    def __init__(self, path: str, part: tuple[int, int] = (0, 1)) -> None:
        """Opens nothing yet.

        Args:
            path: A file that ends in one of `SUFFIXES`.
            part: Which of how many parts `batches` reads: of row groups, about equal in rows.
        """
        self._path = path
        self._part = part

    def column_names(self) -> list[str]:
        """The names of the columns.

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
                parquet = pyarrow.parquet.ParquetFile(file)
                groups = self._row_groups(parquet)
                if not groups:  # iter_batches makes an error of that (pyarrow 18.1)
                    return
                yield from parquet.iter_batches(
                    _BATCH_ROWS, groups, columns=list(names), use_threads=False
                )
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error

    def guess_types(self, names: Sequence[str]) -> dict[str, str]:
        """INT, FLOAT or BYTES for columns that no schema knows, after the types in the file."""
        fields = [field for field in self._fields() if field.name in names]
        return {field.name: kind for field in fields if (kind := guess_type(field.type))}

    def place_of_row(self, row: int) -> str:
        """Where a row is, given the number of rows before it; there are no lines."""
        return f"row {row + 1}"

    def _row_groups(self, parquet: pyarrow.parquet.ParquetFile) -> list[int]:
        """Those of the part: a row group belongs where its first row is."""
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

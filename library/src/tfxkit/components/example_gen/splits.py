"""Splits: assignment of rows by a hash of the row or of one column, or by ranges of a column."""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from tfxkit.components.example_gen.encoding import encode_features
from tfxkit.config.data import SplitAt
from tfxkit.errors import DataError
from tfxkit.values.columns import missing_mask


class Splits(Protocol):
    """Assignment of rows to splits."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the splits, in their order."""

    @property
    def description(self) -> str:
        """Rule of the assignment, for a message: the text after `cut into`."""

    @property
    def remedy(self) -> str:
        """Advice for an empty split."""

    def of(self, batch: pa.RecordBatch, hashes: Sequence[int], place: str) -> list[str]:
        """Assigns each row to a split.

        Args:
            batch: Rows as they were read.
            hashes: Hash of each row, see `row_hash`.
            place: Name of their table, for messages.

        Raises:
            DataError: If the deciding values are missing or of the wrong type.
        """


@dataclasses.dataclass(frozen=True)
class HashSplits:
    """Assignment by the content of a row, or of one column: the same in every run.

    Attributes:
        buckets: Number of parts of each split.
        column: Column whose equal values are in the same split; None for whole rows.
    """

    buckets: Mapping[str, int]
    column: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """See `Splits`."""
        return tuple(self.buckets)

    @property
    def description(self) -> str:
        """See `Splits`."""
        parts = ", ".join(f"{name} {count}" for name, count in self.buckets.items())
        what = "each row" if self.column is None else f"the column {self.column} (data.split_by)"
        return f"{parts} of {sum(self.buckets.values())} parts by a hash of {what}"

    @property
    def remedy(self) -> str:
        """See `Splits`."""
        other = "" if self.column is None else ", or split by a column with more values"
        return f"Add data, or take more spans (data.spans) or a larger part for the split{other}."

    def of(self, batch: pa.RecordBatch, hashes: Sequence[int], place: str) -> list[str]:
        """See `Splits`. A row without a value in the column is assigned by its own hash."""
        if self.column is not None and self.column in batch.schema.names:
            hashes = _value_hashes(batch.column(self.column), hashes)
        return self.assign(hashes)

    def assign(self, hashes: Iterable[int]) -> list[str]:
        """Split of each hash."""
        names = list(self.buckets)
        ends = list(itertools.accumulate(self.buckets.values()))
        return [names[bisect.bisect(ends, number % ends[-1])] for number in hashes]


@dataclasses.dataclass(frozen=True)
class BoundSplits:
    """Assignment by the value of a column: earlier rows to one split, later rows to another.

    Attributes:
        splits: Names of all splits; the one with the lowest values has no bound.
        at: Column, and lower bound of each other split.
    """

    splits: tuple[str, ...]
    at: SplitAt

    @property
    def names(self) -> tuple[str, ...]:
        """See `Splits`; the one with the lowest values first."""
        later = [name for name, _ in self.at.in_order()]
        return (*(name for name in self.splits if name not in later), *later)

    @property
    def description(self) -> str:
        """See `Splits`."""
        bounds = self.at.in_order()
        first = f"{self.names[0]} below {bounds[0][1]}"
        later = [f"{name} from {bound}" for name, bound in bounds]
        return f"{', '.join([first, *later])} by the column {self.at.column} (data.split_at)"

    @property
    def remedy(self) -> str:
        """See `Splits`."""
        return "Move the bounds (data.split_at.bounds), or take other spans (data.spans)."

    def of(self, batch: pa.RecordBatch, hashes: Sequence[int], place: str) -> list[str]:
        """See `Splits`. Each row must have a value of the type of the bounds."""
        name = self.at.column
        if name not in batch.schema.names:
            raise DataError(
                f"{place} has no column {name}, which decides between the splits (data.split_at).\n"
                "Add the column, or split by another."
            )
        column = batch.column(name)
        bounds = self._bounds(column.type, place)
        missing = missing_mask(column).true_count
        if missing:
            raise DataError(
                f"{place} has rows without a value in the column {name}, which decides between the "
                f"splits (data.split_at): {missing} or more.\n"
                "Fill the values in, leave these rows out, or split by another column."
            )
        names = self.names
        return [names[bisect.bisect(bounds, value)] for value in column.to_pylist()]

    def _bounds(self, data_type: pa.DataType, place: str) -> list[Any]:
        """Bounds in the type of the column, since a float32 differs from the number in the text."""
        if pa.types.is_binary(data_type) != self.at.is_text:
            text, numbers = "text", "numbers"
            values, bounds = (numbers, text) if self.at.is_text else (text, numbers)
            raise DataError(
                f"{place}: the column {self.at.column} holds {values}, and data.split_at.bounds "
                f"are {bounds}.\nWrite the bounds as {values}, or split by another column."
            )
        written = [bound for _, bound in self.at.in_order()]
        if pa.types.is_floating(data_type):
            floats = pa.array(map(float, written), pa.float64())
            return floats.cast(data_type, safe=False).to_pylist()
        return [bound.encode() if isinstance(bound, str) else bound for bound in written]


def row_hash(example: bytes) -> int:
    """Hash of a row, for its split and for repeats; SHA-256, as in TFX."""
    return int.from_bytes(hashlib.sha256(example).digest())


def _value_hashes(column: pa.Array, hashes: Sequence[int]) -> list[int]:
    """Hashes of the values, and those of the rows where a value is missing.

    The input of the hash is that of TFX, so that a row is in the same split as with CsvExampleGen
    (tfx 1.21, components/example_gen/base_example_gen_executor.py, `_GeneratePartitionKey`).
    """
    values = encode_features(column).to_pylist()
    missing = missing_mask(column).to_pylist()
    return [
        row if absent else row_hash(value)
        for value, absent, row in zip(values, missing, hashes, strict=True)
    ]

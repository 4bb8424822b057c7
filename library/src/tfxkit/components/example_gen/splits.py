"""Splits: rows are dealt out by a hash of the row or of one value in it, or cut at bounds."""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.components.example_gen.columns import is_value
from tfxkit.components.example_gen.encoding import encode_features
from tfxkit.config.split_at import SplitAt
from tfxkit.errors import DataError


class Splits(Protocol):
    """A way to cut rows into splits."""

    @property
    def names(self) -> tuple[str, ...]:
        """The splits, in their order."""

    @property
    def how(self) -> str:
        """What cuts the rows, for a message: it goes on after `cut into`."""

    @property
    def remedy(self) -> str:
        """What to do where a split is empty."""

    def of(self, batch: pa.RecordBatch, hashes: Sequence[int], place: str) -> list[str]:
        """The split of each row.

        Args:
            batch: The rows, as they are read.
            hashes: The hash of each of them, see `row_hash`.
            place: The table that they are in, for messages.

        Raises:
            DataError: If the rows lack what decides.
        """


@dataclasses.dataclass(frozen=True)
class HashSplits:
    """Deals rows out by their content, or by that of a column: the same way in every run.

    Attributes:
        buckets: The parts that each split gets.
        column: Rows with equal values of it are in the same split; None for all columns.
    """

    buckets: Mapping[str, int]
    column: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """See `Splits`."""
        return tuple(self.buckets)

    @property
    def how(self) -> str:
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
        """See `Splits`. A row without a value in the column is dealt out by its own hash."""
        if self.column is not None and self.column in batch.schema.names:
            hashes = _value_hashes(batch.column(self.column), hashes)
        return self.dealt(hashes)

    def dealt(self, hashes: Iterable[int]) -> list[str]:
        """The split that each hash falls into."""
        names = list(self.buckets)
        ends = list(itertools.accumulate(self.buckets.values()))
        return [names[bisect.bisect(ends, one % ends[-1])] for one in hashes]


@dataclasses.dataclass(frozen=True)
class BoundSplits:
    """Cuts rows by the value of a column: the past into one split, what came later into another.

    Attributes:
        splits: The names of all splits; that of the lowest values has no bound.
        at: The column, and where each other split begins.
    """

    splits: tuple[str, ...]
    at: SplitAt

    @property
    def names(self) -> tuple[str, ...]:
        """See `Splits`; that of the lowest values first."""
        later = [name for name, _ in self.at.in_order()]
        return (*(name for name in self.splits if name not in later), *later)

    @property
    def how(self) -> str:
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
        """See `Splits`. Each row must have a value of the kind that the bounds have."""
        name = self.at.column
        if name not in batch.schema.names:
            raise DataError(
                f"{place} has no column {name}, which decides between the splits (data.split_at).\n"
                "Add the column, or split by another."
            )
        column = batch.column(name)
        bounds = self._bounds(column.type, place)
        missing = batch.num_rows - (pc.sum(is_value(column)).as_py() or 0)
        if missing:
            raise DataError(
                f"{place} has rows without a value in the column {name}, which decides between the "
                f"splits (data.split_at): {missing} or more.\n"
                "Fill the values in, leave these rows out, or split by another column."
            )
        names = self.names
        return [names[bisect.bisect(bounds, value)] for value in column.to_pylist()]

    def _bounds(self, kind: pa.DataType, place: str) -> list[Any]:
        """The bounds as the column has its values: a float32 is not what was written."""
        if pa.types.is_binary(kind) != self.at.is_text:
            text, numbers = "text", "numbers"
            has, given = (numbers, text) if self.at.is_text else (text, numbers)
            raise DataError(
                f"{place}: the column {self.at.column} holds {has}, and data.split_at.bounds are "
                f"{given}.\nWrite the bounds as {has}, or split by another column."
            )
        bounds = [bound for _, bound in self.at.in_order()]
        if pa.types.is_floating(kind):
            return pa.array(map(float, bounds), pa.float64()).cast(kind, safe=False).to_pylist()
        return [one.encode() if isinstance(one, str) else one for one in bounds]


def row_hash(example: bytes) -> int:
    """The hash of a row by which it is dealt out, and found again; SHA-256, as TFX has it."""
    return int.from_bytes(hashlib.sha256(example).digest())


def _value_hashes(column: pa.Array, hashes: Sequence[int]) -> list[int]:
    """The hashes of the values, and those given where a value is missing.

    What is hashed is what TFX hashes, so that a row is in the split that CsvExampleGen puts it into
    (tfx 1.21, components/example_gen/base_example_gen_executor.py, `_GeneratePartitionKey`).
    """
    values = encode_features(pc.if_else(is_value(column), column, None)).to_pylist()
    return [
        row if value is None else row_hash(value) for value, row in zip(values, hashes, strict=True)
    ]

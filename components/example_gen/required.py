"""Leaves out rows that lack a value which every row must have: the label."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


class Required:
    """Takes batches one after the other, and counts what it left out of them."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Starts with nothing left out.

        Args:
            columns: Each row must have a value in all of them.
        """
        self._columns = columns
        self.left_out = 0

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that have all values; none where a whole column is not there."""
        if not self._columns:
            return batch
        keep = pa.repeat(True, batch.num_rows)
        for name in self._columns:
            there = name in batch.schema.names
            keep = pc.and_(keep, is_value(batch.column(name)) if there else False)
        kept = batch.filter(keep)
        self.left_out += batch.num_rows - kept.num_rows
        return kept


def is_value(column: pa.Array) -> pa.Array:
    """Of each row whether it has a value: neither null nor NaN nor blank text.

    Args:
        column: Of int64, float32 or binary.
    """
    if pa.types.is_floating(column.type):
        known = pc.invert(pc.is_nan(column))
    elif pa.types.is_binary(column.type):
        known = pc.match_substring_regex(column, r"\S")
    else:
        return column.is_valid()
    return pc.coalesce(known, False)

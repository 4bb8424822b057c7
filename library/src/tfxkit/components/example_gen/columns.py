"""Columns of a table: names, values that do not fit, and rows without a required value."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.errors import DataError
from tfxkit.values.columns import is_text, missing_mask, read_column, unfit
from tfxkit.values.reading import ColumnReading, Reading

_SHOWN_NAMES = 5
_EXACT = 2**24  # up to here, float32 has all whole numbers
_MOST_COMPARED = 1000  # large numbers of a batch


def check_names(
    names: Sequence[str], expected: Collection[str], place: str, remedy: str, first: int = 1
) -> None:
    """Refuses columns without a unique name, and a table with none of the expected columns.

    Args:
        names: Names of the columns.
        expected: Columns of the schema.
        place: Name of the table, for the message.
        remedy: Advice if the schema has none of the names.
        first: Number of the first column, for the message.

    Raises:
        DataError: If a name is empty or occurs twice, or if the schema has none of them.
    """
    if "" in names:
        number = names.index("") + first
        raise DataError(f"{place}: column {number} has no name. Name it, or leave it out.")
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{place} has more than one column {twice[0]!r}. Rename all but one.")
    if not set(names) & set(expected):
        raise DataError(
            f"{place} has none of the columns in configs/schema.pbtxt.\n"
            f"It has: {listed(names)}\nExpected: {listed(sorted(expected))}\n{remedy}"
        )


def listed(names: Sequence[str]) -> str:
    """First few names, and the number of the others."""
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


@dataclasses.dataclass
class _Misfit:
    type_name: str
    row: int
    example: Any
    count: int = 0

    @property
    def is_fraction(self) -> bool:
        """True for a number with a fraction in a column of whole numbers."""
        try:
            return self.type_name == "INT" and not float(self.example).is_integer()
        except (TypeError, ValueError, OverflowError):
            return False


class Rounded:
    """Whole numbers that the type FLOAT changes, such as codes that it merges.

    Attributes:
        examples: For each column of whole numbers with a changed one: the number, and what it is
            read as.
    """

    def __init__(self) -> None:
        """Starts without columns."""
        self.examples: dict[str, tuple[str, str]] = {}
        self._fractions: set[str] = set()  # columns of measurements, whose last digits are noise

    def compare(
        self, name: str, column: pa.Array, read: pa.Array, how: ColumnReading, reading: Reading
    ) -> None:
        """Compares some large numbers of a batch with what they were read as.

        Args:
            name: Name of the column.
            column: Values as they are in the data.
            read: The same as float32.
            how: Reading of the column.
            reading: Reading of the data set.
        """
        if name in self._fractions:
            return
        numbers = read.to_numpy(zero_copy_only=False)
        numbers = np.where(np.isfinite(numbers), numbers, 0)
        large = np.flatnonzero(np.abs(numbers) > _EXACT)[:_MOST_COMPARED]
        if (numbers % 1).any():
            self._set_fractions(name)
        elif len(large) and name not in self.examples:
            whole = how.model_copy(update={"type": "INT"})
            try:
                exact = read_column(column.take(pa.array(large)), whole, reading).to_numpy()
            except pa.ArrowInvalid:  # a fraction, or beyond int64
                self._set_fractions(name)
                return
            changed = np.flatnonzero(exact != numbers[large].astype(np.float64))
            if len(changed):
                place = changed[0]
                self.examples[name] = str(exact[place]), str(int(numbers[large[place]]))

    def _set_fractions(self, name: str) -> None:
        self._fractions.add(name)
        self.examples.pop(name, None)


class Misfits:
    """Reading of the columns of one table, with a record of the values that do not fit."""

    def __init__(
        self,
        place: str,
        place_of_row: Callable[[int], str],
        reading: Reading,
        remedy: str = "Correct the file",
        rounded: Rounded | None = None,
    ) -> None:
        """Starts without misfits.

        Args:
            place: Path of the file, or another name of the table, for the message.
            place_of_row: Locates a row, given the number of rows before it.
            reading: Rules, missing words and decimal sign of the data set.
            remedy: Advice beside a change of the schema, for the message.
            rounded: Collects whole numbers that the type FLOAT changes.
        """
        self._place = place
        self._reading = reading
        self._place_of_row = place_of_row
        self._remedy = remedy
        self._rounded = rounded
        self._misfits: dict[str, _Misfit] = {}

    def __bool__(self) -> bool:
        """True if a value did not fit."""
        return bool(self._misfits)

    def read(self, name: str, column: pa.Array, how: ColumnReading, rows_before: int) -> pa.Array:
        """Reads a column like `read_column`; returns a column with misfits unchanged.

        Args:
            name: Name of the column.
            column: Values of the column in a batch.
            how: Reading of the column.
            rows_before: Number of rows of the table before this batch.

        Raises:
            DataError: If no value of such a column can fit.
        """
        try:
            read = read_column(column, how, self._reading)
            if self._rounded is not None and how.type == "FLOAT":
                self._rounded.compare(name, column, read, how, self._reading)
            return read
        except pa.ArrowInvalid:
            positions = unfit(column, how, self._reading)
        except pa.ArrowNotImplementedError as error:
            raise DataError(
                f"{self._place}: the column {name} is {column.type} and cannot be read as "
                f"{how.type}, its type in configs/schema.pbtxt.\n"
                "Write it as numbers or text, one value in each row."
            ) from error
        if name not in self._misfits:
            # Text that is not UTF-8 cannot become a str; bytes can be shown.
            raw = column.cast(pa.binary()) if is_text(column.type) else column
            first = positions[0]
            self._misfits[name] = _Misfit(how.type, rows_before + first, raw[first].as_py())
        self._misfits[name].count += len(positions)
        return column

    def error(self) -> DataError:
        """Error with all misfits, one line for each column."""
        lines = [f"{self._place} has values that do not fit the type of their column:"]
        for name, misfit in self._misfits.items():
            where = self._place_of_row(misfit.row)
            more = f", as do {misfit.count - 1} more" if misfit.count > 1 else ""
            lines.append(
                f"  {name} is {misfit.type_name}, but {where} has {_shown(misfit.example)}{more}"
            )
        fractions = [name for name, misfit in self._misfits.items() if misfit.is_fraction]
        remedy = (
            f"give {listed(fractions)} the type FLOAT"
            if len(fractions) == len(self._misfits)
            else "give the column another type"
        )
        lines.append(f"{self._remedy}, or {remedy} in configs/schema.pbtxt.")
        return DataError("\n".join(lines))


def read_columns(
    batches: Iterable[pa.RecordBatch], columns: Mapping[str, ColumnReading], misfits: Misfits
) -> Iterator[pa.RecordBatch]:
    """Reads the columns of a table with their types.

    Args:
        batches: Batches with the same columns.
        columns: Reading of each column; may grow during the iteration. Columns without one are left
            out.
        misfits: Collects values that do not fit.

    Yields:
        Batches of int64, float32 and binary columns, null where a value is missing.

    Raises:
        DataError: If values do not fit, after all batches.
    """
    rows = 0
    for batch in batches:
        names = [name for name in batch.schema.names if name in columns]
        arrays = [misfits.read(n, batch.column(n), columns[n], rows) for n in names]
        if not misfits:
            yield pa.RecordBatch.from_arrays(arrays, names)
        rows += batch.num_rows
    if misfits:
        raise misfits.error()


class Required:
    """Filter of rows that lack a required value, the label."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Starts without rows left out.

        Args:
            columns: Columns in which each row must have a value.
        """
        self._columns = columns
        self.left_out = 0  # rows, over all batches

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with all these values; none if a whole column is missing."""
        if not self._columns:
            return batch
        keep = pa.repeat(True, batch.num_rows)
        for name in self._columns:
            missing = missing_mask(batch.column(name)) if name in batch.schema.names else True
            keep = pc.and_not(keep, missing)
        kept = batch.filter(keep)
        self.left_out += batch.num_rows - kept.num_rows
        return kept


def _shown(value: Any) -> str:
    if not isinstance(value, bytes):
        return repr(value)
    try:
        return repr(value.decode())
    except UnicodeDecodeError:
        return f"{value!r}, which is not UTF-8 text"

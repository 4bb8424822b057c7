"""Values that do not fit the type of their column: counted over a file, reported together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from components.example_gen.columns import convert, unfit
from tfxkit.errors import DataError


@dataclasses.dataclass
class _Misfit:
    type_name: str
    row: int
    example: Any
    count: int = 0


class Misfits:
    """Converts the columns of one file and remembers what could not be converted."""

    def __init__(self, path: str, place_of_row: Callable[[int], str], decimal: str) -> None:
        """Starts with nothing found.

        Args:
            path: The file, for the message.
            place_of_row: Says where in the file a row is, given the rows before it.
            decimal: What is before the fraction of a number that is written as text.
        """
        self._path = path
        self._decimal = decimal
        self._place_of_row = place_of_row
        self._found: dict[str, _Misfit] = {}

    def __bool__(self) -> bool:
        """Whether anything did not fit."""
        return bool(self._found)

    def convert(self, name: str, column: pa.Array, type_name: str, rows_before: int) -> pa.Array:
        """As `columns.convert`; a column with misfits is returned as it is.

        Args:
            name: The column.
            column: A batch of its values.
            type_name: INT, FLOAT or BYTES.
            rows_before: The number of rows in the file before this batch.

        Raises:
            DataError: If no value of such a column can fit.
        """
        try:
            return convert(column, type_name, self._decimal)
        except pa.ArrowInvalid:
            positions = unfit(column, type_name, self._decimal)
        except pa.ArrowNotImplementedError as error:
            raise DataError(
                f"{self._path}: the column {name} is {column.type} and cannot be read as "
                f"{type_name}, its type in configs/schema.pbtxt.\n"
                "Write it as numbers or text, one value in each row."
            ) from error
        if name not in self._found:
            # Text that is not UTF-8 cannot become a str; bytes can be shown.
            raw = column.cast(pa.binary()) if pa.types.is_string(column.type) else column
            first = positions[0]
            self._found[name] = _Misfit(type_name, rows_before + first, raw[first].as_py())
        self._found[name].count += len(positions)
        return column

    def error(self) -> DataError:
        """All misfits, a line for each column."""
        lines = [f"{self._path} has values that do not fit the type of their column:"]
        for name, found in self._found.items():
            where = self._place_of_row(found.row)
            more = f", as do {found.count - 1} more" if found.count > 1 else ""
            lines.append(
                f"  {name} is {found.type_name}, but {where} has {_shown(found.example)}{more}"
            )
        lines.append("Mend the file, or give the column another type in configs/schema.pbtxt.")
        return DataError("\n".join(lines))


def _shown(value: Any) -> str:
    if not isinstance(value, bytes):
        return repr(value)
    try:
        return repr(value.decode())
    except UnicodeDecodeError:
        return f"{value!r}, which is not UTF-8 text"

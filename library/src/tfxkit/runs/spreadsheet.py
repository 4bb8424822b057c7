"""Text that a spreadsheet would run as a formula gets an apostrophe before it, as OWASP advises.

Whoever can write a row that is predicted for could otherwise make the reader's spreadsheet open
addresses or start programs ("CSV Injection", OWASP).
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

_FORMULA = r"^([=@\t\r]|[+\-][\s\S])"  # a sign alone is none, but often stands for no value
_NUMBER = r"^[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?$"


def harmless(table: pa.Table) -> pa.Table:
    """The table with names of columns and texts that no spreadsheet runs; numbers stay.

    Args:
        table: Columns of any type; those of text are looked at.
    """
    columns = [_column(column) for column in table.columns]
    return pa.table(columns, names=[_name(name) for name in table.column_names])


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    formula = pc.and_not(
        pc.match_substring_regex(column, _FORMULA), pc.match_substring_regex(column, _NUMBER)
    )
    if not pc.any(formula).as_py():
        return column
    empty = pa.scalar("", column.type)
    marked = pc.binary_join_element_wise(pa.scalar("'", column.type), column, empty)
    return pc.if_else(formula, marked, column)


def _name(name: str) -> str:
    return f"'{name}" if re.match(_FORMULA, name) and not re.match(_NUMBER, name) else name

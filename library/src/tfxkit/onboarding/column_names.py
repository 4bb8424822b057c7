"""Requirements on column names, checked first."""

from __future__ import annotations

import collections
from pathlib import Path

from tfxkit.errors import UsageError

MAX_COLUMNS = 500  # 1,000 took four minutes of CPU time before training began
ROW_NUMBERS = ""  # what R and pandas call the column of row numbers, their first one
_SHOWN = 5


def check_names(path: Path, names: list[str], *, in_text: bool) -> None:
    """Checks the names of a file's columns.

    Args:
        path: The file.
        names: As it has them.
        in_text: Whether they come from the first line of a text, which may be no header.

    Raises:
        UsageError: If they are numbers, not all there, not different, too few or too many.
    """
    if in_text and names and all(_is_number(name) for name in names):
        raise UsageError(
            f"{path}: the first line holds numbers ({some(names)}), where the names of the "
            "columns are expected. Put a line with names above it."
        )
    if "" in names[1:]:
        number = names.index("", 1) + 1
        raise UsageError(f"{path}: column {number} has no name. Name it, or leave it out.")
    names = names[1:] if names[:1] == [ROW_NUMBERS] else names
    if twice := [name for name, count in collections.Counter(names).items() if count > 1]:
        raise UsageError(
            f"{path} has more than one column of the name {some(twice)}. Rename all but one."
        )
    if len(names) == 1:
        raise UsageError(
            f"{path} has one column, {names[0]!r}: a label and something to predict it from are "
            "needed. Its values may be separated by none of: comma, semicolon, tab, |"
        )
    if len(names) > MAX_COLUMNS:
        raise UsageError(
            f"{path} has {len(names):,} columns; init takes up to {MAX_COLUMNS:,}. Write a file "
            "with the columns that matter, or condense groups of them (sums, components)."
        )


def some(names: list[str]) -> str:
    """The first few of many names."""
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

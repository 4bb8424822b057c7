"""Formats of single columns: words for missing values, and numbers that are written as text."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfxkit.config.frozen import Frozen


class NumberFormat(Frozen):
    """Form of numbers in text, such as $1,234.50 or (3,4 %); the decimal sign is `CsvFormat`'s.

    Text in any other form does not fit the column. A value that arrives as a number is one.
    """

    thousands: Literal["", ",", ".", "'", " "] = pydantic.Field(
        default="",
        description='Separates groups of three digits; " " includes no-break and thin blanks.',
    )
    prefix: str = pydantic.Field(default="", description="Precedes each number, such as $.")
    suffix: str = pydantic.Field(
        default="", description="Follows each number, such as % or kg; it scales nothing."
    )
    negative: Literal["minus", "parentheses", "trailing"] = pydantic.Field(
        default="minus",
        description="Form of negative numbers besides -5: (5) or 5-.",
    )


class ColumnFormat(Frozen):
    """Form of the values of one column, in place of what holds for the data set."""

    missing: tuple[str, ...] | None = pydantic.Field(
        default=None,
        description="Words for missing values of this column, in place of those of data.csv; "
        "[] for none.",
    )
    parse: NumberFormat | None = pydantic.Field(
        default=None, description="Form of its numbers, if they are text: {prefix: $}."
    )

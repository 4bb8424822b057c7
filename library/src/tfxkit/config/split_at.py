"""Bounds between splits: which values of a column are in which of them."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Self

import pydantic

from tfxkit.config.frozen import Frozen


def _text_of_date(value: Any) -> Any:
    """YAML takes 2016-01-01 for a date; a column of dates holds it as text."""
    if isinstance(value, datetime.datetime):
        raise ValueError("write a time in quotes, in the form that the column has")
    return value.isoformat() if isinstance(value, datetime.date) else value


Bound = Annotated[
    Annotated[pydantic.StrictInt, pydantic.Field(ge=-(2**63), lt=2**63)]
    | Annotated[pydantic.StrictFloat, pydantic.Field(allow_inf_nan=False)]
    | pydantic.StrictStr,
    pydantic.BeforeValidator(_text_of_date),
]


class SplitAt(Frozen):
    """A row is in the split with the highest bound that its value reaches."""

    column: str = pydantic.Field(
        description="Says where a row belongs: numbers, or text such as ISO dates."
    )
    bounds: Annotated[dict[str, Bound], pydantic.Field(min_length=1)] = pydantic.Field(
        description="Where each split begins, but for that of the lowest values: numbers, or text."
    )

    @property
    def is_text(self) -> bool:
        """True if the bounds are text; else they are numbers."""
        return isinstance(next(iter(self.bounds.values())), str)

    def in_order(self) -> list[tuple[str, int | float | str]]:
        """Names and bounds of the splits but the first, ascending."""
        return sorted(self.bounds.items(), key=lambda bound: bound[1])

    @pydantic.model_validator(mode="after")
    def _can_be_ordered(self) -> Self:
        if len({isinstance(bound, str) for bound in self.bounds.values()}) > 1:
            raise ValueError("bounds: either all are numbers or all are text")
        if len(set(self.bounds.values())) < len(self.bounds):
            raise ValueError("bounds: no two splits can begin at the same value")
        return self

"""Bounds between splits: which values of a column are in which of them."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Self

import pydantic

from models.frozen import Frozen


def _text_of_date(value: Any) -> Any:
    """YAML takes 2016-01-01 for a date; a column of dates holds it as text."""
    if isinstance(value, datetime.datetime):
        raise ValueError("write a time in quotes, in the form that the column has")
    return value.isoformat() if isinstance(value, datetime.date) else value


Bound = Annotated[
    pydantic.StrictInt
    | Annotated[pydantic.StrictFloat, pydantic.Field(allow_inf_nan=False)]
    | pydantic.StrictStr,
    pydantic.BeforeValidator(_text_of_date),
]


class SplitAt(Frozen):
    """The rows below the first bound are of the first split, and so on."""

    column: str = pydantic.Field(
        description="Says where a row belongs: numbers, or text such as ISO dates."
    )
    bounds: Annotated[tuple[Bound, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        description="Where each split but the first begins, ascending: numbers, or text."
    )

    @property
    def is_text(self) -> bool:
        """Whether the bounds are text; else they are numbers."""
        return isinstance(self.bounds[0], str)

    @pydantic.model_validator(mode="after")
    def _ascend(self) -> Self:
        if len({isinstance(bound, str) for bound in self.bounds}) > 1:
            raise ValueError("bounds: either all are numbers or all are text")
        if any(a >= b for a, b in zip(self.bounds, self.bounds[1:], strict=False)):  # type: ignore[operator]
            raise ValueError("bounds: each must be greater than the one before")
        return self

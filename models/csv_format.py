"""How CSV files are written: what separates and encloses values, encoding, words for no value."""

from __future__ import annotations

import codecs
from typing import Any, Self

import pydantic

from models.frozen import Frozen


class CsvFormat(Frozen):
    """The same for all files of a data set, and for those that its model predicts for."""

    delimiter: str = pydantic.Field(
        default=",",
        pattern=r"^[\t\x20-\x7e]$",
        description='Separates values; one ASCII character, a tab is "\\t".',
    )
    quote: str = pydantic.Field(
        default='"',
        pattern=r"^[\x21-\x7e]?$",
        description='Encloses values that hold a delimiter, a line break or a quote (twice); "" if '
        "nothing does.",
    )
    encoding: str = pydantic.Field(
        default="utf-8",
        description="Of the text, by any name that Python has for it, such as cp1252 or utf-16.",
    )
    missing: tuple[str, ...] = pydantic.Field(
        default=(), description='What stands for a missing value besides "", such as [NA, "?"].'
    )

    @pydantic.field_validator("encoding")
    @classmethod
    def _one_name_for_each_encoding(cls, value: str) -> str:
        try:
            codec = codecs.lookup(value)
            "".encode(value)
        except LookupError:
            raise ValueError(
                "no such encoding; there are utf-8, utf-16, cp1252 (Windows), latin-1 and others"
            ) from None
        return "utf-8" if codec.name == "utf-8-sig" else codec.name

    @pydantic.field_validator("missing", mode="before")
    @classmethod
    def _numbers_as_they_are_written(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [str(one) if type(one) in (int, float) else one for one in value]

    @pydantic.model_validator(mode="after")
    def _quote_is_no_delimiter(self) -> Self:
        if self.quote == self.delimiter:
            raise ValueError("delimiter and quote must differ")
        return self


PLAIN = CsvFormat()

"""Format of CSV files: delimiter, quote, encoding, words for missing values."""

from __future__ import annotations

import codecs
import re
from typing import Any, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen


class CsvFormat(Frozen):
    """The same for all files of a data set, and for those that its model predicts for."""

    delimiter: str = pydantic.Field(
        default=",",
        description='Separates values; one ASCII character, a tab is "\\t".',
    )
    quote: str = pydantic.Field(
        default='"',
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

    decimal: Literal[".", ","] = pydantic.Field(
        default=".", description="What is before the fraction of a number: 1.5 or 1,5."
    )

    @pydantic.field_validator("delimiter", "quote")
    @classmethod
    def _one_ascii_character(cls, value: str, info: pydantic.ValidationInfo) -> str:
        if re.fullmatch(r"[\t -~]", value) or (value == "" and info.field_name == "quote"):
            return value
        tab = 'a tab is "\\t"' if info.field_name == "delimiter" else '"" for none'
        raise ValueError(f"must be one ASCII character; {tab}")

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
    def _texts_as_they_are_written(cls, value: Any) -> Any:
        """YAML reads NULL, no and 9.50 as something else, of which the spelling is gone."""
        if not isinstance(value, list | tuple):
            raise ValueError("must be a list: [NA]")
        if other := [one for one in value if type(one) not in (str, int)]:
            raise ValueError(f"must be texts: put {other[0]!r} in quotes as the files have it")
        return [str(one) for one in value]

    @pydantic.model_validator(mode="after")
    def _quote_is_no_delimiter(self) -> Self:
        if self.quote == self.delimiter:
            raise ValueError("delimiter and quote must differ")
        return self


PLAIN = CsvFormat()

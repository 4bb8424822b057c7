"""Section `data`: source, spans and splits of the rows, and the format of CSV files."""

from __future__ import annotations

import codecs
import datetime
import re
from typing import Annotated, Any, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import NoSecretNames
from tfxkit.errors import documentation


def _as_they_are_written(value: Any) -> Any:
    """Refuses values whose spelling YAML has lost, such as NULL, no and 9.50."""
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list: [NA]")
    if other := [word for word in value if type(word) not in (str, int)]:
        raise ValueError(f"must be texts: put {other[0]!r} in quotes as the files have it")
    return [str(word) for word in value]


Words = Annotated[tuple[str, ...], pydantic.BeforeValidator(_as_they_are_written)]


def _as_names(value: Any) -> Any:
    if isinstance(value, list | tuple):
        names = _as_they_are_written(value)
        if not names or "" in names or len(set(names)) < len(names):
            raise ValueError("must be different names: [age, income]")
        return names
    if value not in (None, "none"):
        raise ValueError("must be a list of names, or none")
    return value


Header = Annotated[Literal["none"] | tuple[str, ...] | None, pydantic.BeforeValidator(_as_names)]


class CsvFormat(Frozen):
    """Format of all CSV files of a data set, also of those to predict."""

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
        description="Text encoding, any Python codec name, such as cp1252 or utf-16.",
    )
    missing: Words = pydantic.Field(
        default=(),
        description='What stands for a missing value besides blanks, such as [NA, "?"]; in text of '
        "any format.",
    )
    decimal: Literal[".", ","] = pydantic.Field(
        default=".",
        description="What is before the fraction of a number in text of any format: 1.5 or 1,5.",
    )
    header: Header = pydantic.Field(
        default=None,
        description="Names of the columns where files have no line with them, or none: column_1, "
        "column_2, …. By default the first line has them.",
    )
    skip_lines: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0, description="Number of lines above the header, such as a title."
    )
    skip_footer: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0,
        description="Number of lines below the rows that are none, such as a total; blank lines do "
        "not count.",
    )
    comment: Annotated[str, pydantic.Field(pattern=r"^[!-~]{0,4}$")] = pydantic.Field(
        default="", description="Begins lines that are left out, such as #."
    )
    escape: str = pydantic.Field(
        default="",
        description="Stands before a quote or itself in a quoted value, such as the backslash of "
        'Spark; "" if quotes are doubled.',
    )
    trim: bool = pydantic.Field(
        default=False, description="Blanks around names and values without quotes are left out."
    )

    @pydantic.field_validator("delimiter", "quote", "escape")
    @classmethod
    def _one_ascii_character(cls, value: str, info: pydantic.ValidationInfo) -> str:
        if re.fullmatch(r"[\t -~]", value) or (value == "" and info.field_name != "delimiter"):
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

    @pydantic.model_validator(mode="after")
    def _quote_is_no_delimiter(self) -> Self:
        if self.quote == self.delimiter:
            raise ValueError("delimiter and quote must differ")
        return self

    @pydantic.model_validator(mode="after")
    def _escape_is_another_sign(self) -> Self:
        if self.escape and (not self.quote or self.escape in (self.quote, self.delimiter)):
            raise ValueError("escape needs a quote, and differs from it and from the delimiter")
        return self


PLAIN_CSV = CsvFormat()


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

    missing: Words | None = pydantic.Field(
        default=None,
        description="Words for missing values of this column, in place of those of data.csv; "
        "[] for none.",
    )
    parse: NumberFormat | None = pydantic.Field(
        default=None, description="Form of its numbers, if they are text: {prefix: $}."
    )


def _text_of_date(value: Any) -> Any:
    """Turns a date that YAML has parsed into text, as a column of dates holds it."""
    if isinstance(value, datetime.datetime):
        raise ValueError("write a time in quotes, in the form that the column has")
    return value.isoformat() if isinstance(value, datetime.date) else value


SplitBound = Annotated[
    Annotated[pydantic.StrictInt, pydantic.Field(ge=-(2**63), lt=2**63)]
    | Annotated[pydantic.StrictFloat, pydantic.Field(allow_inf_nan=False)]
    | pydantic.StrictStr,
    pydantic.BeforeValidator(_text_of_date),
]


class SplitAt(Frozen):
    """Bounds of splits: a row is in the split with the highest bound that its value reaches."""

    column: str = pydantic.Field(
        description="Says where a row belongs: numbers, or text such as ISO dates."
    )
    bounds: Annotated[dict[str, SplitBound], pydantic.Field(min_length=1)] = pydantic.Field(
        description="Where each split begins, but for that of the lowest values: numbers, or text."
    )

    @property
    def is_text(self) -> bool:
        """True if the bounds are text; else they are numbers."""
        return isinstance(next(iter(self.bounds.values())), str)

    def in_order(self) -> list[tuple[str, int | float | str]]:
        """Names and bounds of all splits but the first, ascending."""
        return sorted(self.bounds.items(), key=lambda bound: bound[1])

    @pydantic.model_validator(mode="after")
    def _can_be_ordered(self) -> Self:
        if len({isinstance(bound, str) for bound in self.bounds.values()}) > 1:
            raise ValueError("bounds: either all are numbers or all are text")
        if len(set(self.bounds.values())) < len(self.bounds):
            raise ValueError("bounds: no two splits can begin at the same value")
        return self


SplitName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class DataConfig(Frozen):
    """Data to read, and the split of its rows."""

    path: str = pydantic.Field(
        description="Folder that holds the `span-<number>` folders; or what `reader` takes."
    )
    reader: str | None = pydantic.Field(
        default=None,
        description="Dotted name of a module that yields the rows in place of files: see "
        f"{documentation('source')}.",
    )
    reader_options: Annotated[dict[str, pydantic.JsonValue], NoSecretNames] = pydantic.Field(
        default={}, description="Keyword arguments for the functions of `reader`."
    )
    spans: Annotated[str, pydantic.Field(pattern=r"^(all|newest|\d+|last:[1-9]\d*)$")] = (
        pydantic.Field(default="all", description="all, newest, one number, or last:N.")
    )
    splits: dict[SplitName, Annotated[int, pydantic.Field(ge=1)]] = pydantic.Field(
        default={"train": 2, "eval": 1},
        description="Name and share of each split, by hash of the row; with split_at the "
        "shares do not count.",
    )
    split_by: str | None = pydantic.Field(
        default=None,
        description="A column of whole numbers or text: rows with equal values in it (all of one "
        "customer) are in the same split, by hash of the value.",
    )
    split_at: SplitAt | None = pydantic.Field(
        default=None,
        description="Split by time, or by what else a column says: rows from a split's "
        "bound on are of that split, up to the next bound; the split without a bound has the rest.",
    )
    csv: CsvFormat = CsvFormat()
    columns: dict[str, ColumnFormat] = pydantic.Field(
        default={},
        description="Missing words and number formats of single columns, by name: "
        "{price: {parse: {prefix: $}}}.",
    )

    @pydantic.field_validator("spans", mode="before")
    @classmethod
    def _number_to_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @pydantic.field_validator("splits")
    @classmethod
    def _needs_train_and_eval(cls, value: dict[str, int]) -> dict[str, int]:
        if missing := {"train", "eval"} - value.keys():
            raise ValueError(f"a split named {' and one named '.join(sorted(missing))} is needed")
        return value

    @pydantic.field_validator("reader")
    @classmethod
    def _reader_is_a_module(cls, value: str | None) -> str | None:
        if value is not None and not all(map(str.isidentifier, value.split("."))):
            raise ValueError("write the dotted name of a module, such as components.orders")
        return value

    @pydantic.model_validator(mode="after")
    def _options_have_a_reader(self) -> Self:
        if self.reader_options and self.reader is None:
            raise ValueError("reader_options need a reader")
        return self

    @pydantic.model_validator(mode="after")
    def _thousands_are_no_decimal_sign(self) -> Self:
        for name, column in self.columns.items():
            if column.parse and column.parse.thousands == self.csv.decimal:
                raise ValueError(
                    f"columns.{name}.parse: thousands and data.csv.decimal must differ"
                )
        return self

    @pydantic.model_validator(mode="after")
    def _one_way_to_split(self) -> Self:
        if self.split_at is None:
            return self
        if self.split_by is not None:
            raise ValueError("give either split_by or split_at")
        bounds = self.split_at.bounds
        if unknown := bounds.keys() - self.splits:
            raise ValueError(f"split_at.bounds: there is no split {min(unknown)} in splits")
        if len(bounds) != len(self.splits) - 1:
            raise ValueError(
                f"split_at.bounds: of the splits ({', '.join(self.splits)}) all but the one with "
                "the lowest values need a bound"
            )
        return self

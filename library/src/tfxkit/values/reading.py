"""Reading of a data set: the type of each column, and the words for missing and true values."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

import pydantic
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.data import PLAIN_CSV, ColumnFormat, CsvFormat, NumberFormat
from tfxkit.config.frozen import Frozen
from tfxkit.errors import DataError

# White space of Unicode, and characters without width or ink that surround values in files: zero
# width spaces and joiners, word joiner, byte order mark, soft hyphen.
BLANKS = (
    "\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000"
    + "\u200b\u200c\u200d\u2060\ufeff\xad"
)
# Among numbers each of these can be nothing else.
AMONG_NUMBERS = frozenset(
    {"NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "Null", "null", "None", "none", "nil"}
    | {"#N/A", "#NA", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NULL!"}
    | {"\\N", "<NA>", "NaT", "(null)", "?", "-", "--", ".", "*", "missing", "unknown"}
)
# In text only those that are no word: somebody may be called None, and a grade may be "-".
IN_TEXT = frozenset(
    {"NA", "N/A", "n/a", "NaN", "NULL", "null", "?", "#N/A", "#NA", "#DIV/0!", "#REF!", "#VALUE!"}
    | {"#NUM!", "#NAME?", "#NULL!", "\\N", "<NA>", "NaT", "(null)"}
)
TRUTH = ("False", "True")
_TYPES = ("INT", "FLOAT", "BYTES")
_TRUTH_PAIRS = (  # false first, which is also the order of the alphabet
    ("false", "true"),
    ("f", "t"),
    ("no", "yes"),
    ("n", "y"),
    ("off", "on"),
    ("0", "1"),
)
_NO_COLUMNS: Mapping[str, ColumnFormat] = types.MappingProxyType({})


class ColumnReading(Frozen):
    """Reading of one column.

    Attributes:
        type: Its type in the schema.
        truth: Spelling of false and true in the schema's domain; None if the domain is another.
        missing: Words for missing values, in place of those of the data set.
        parse: Form of numbers in text; None for plain ones.
    """

    type: Literal["INT", "FLOAT", "BYTES"]
    truth: tuple[str, str] | None = None
    missing: tuple[str, ...] | None = None
    parse: NumberFormat | None = None

    @property
    def respells(self) -> bool:
        """True if text like `TRUE` becomes the domain's word: for the pair true and false only."""
        return self.truth is not None and _folded(self.truth) == _TRUTH_PAIRS[0]


class Reading(Frozen):
    """Reading of all columns; travels as JSON from ExampleGen to the pushed model.

    Attributes:
        rules: Rules in force when the model was trained. Those of 1 hold for models without a file
            of their reading: blank text is a value, words for missing values belong to CSV files
            alone (the CSV parser replaces them), NaN stays NaN, truth values without a domain are
            `true` and `false`, and times and decimals keep the digits of their Arrow type.
        columns: Reading of each column, sorted by name.
        missing: Words for missing values besides blank text.
        decimal: Decimal sign of numbers in text, in a source of any format.
    """

    rules: Literal[1, 2] = 2
    columns: dict[str, ColumnReading] = pydantic.Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."

    @pydantic.model_validator(mode="after")
    def _thousands_are_no_decimal_sign(self) -> Self:
        for name, column in self.columns.items():
            if column.parse and column.parse.thousands == self.decimal:
                raise ValueError(
                    f"data.columns.{name}.parse: thousands and data.csv.decimal must differ"
                )
        return self

    @classmethod
    def of(
        cls,
        schema: schema_pb2.Schema,
        csv: CsvFormat = PLAIN_CSV,
        columns: Mapping[str, ColumnFormat] = _NO_COLUMNS,
        rules: Literal[1, 2] = 2,
    ) -> Self:
        """Derives the reading from the curated schema and the configuration.

        Args:
            schema: Types, and the domains of truth values.
            csv: Words for missing values, and the decimal sign.
            columns: Formats of single columns; names that the schema lacks are left out.
            rules: 1 for a model that was trained before readings existed.

        Raises:
            DataError: If a feature has a type that no column of a table can have.
            pydantic.ValidationError: If thousands and decimal sign of a column are the same.
        """
        named = {domain.name: domain.value for domain in schema.string_domain}
        return cls(
            rules=rules,
            columns={
                feature.name: ColumnReading(
                    type=_type_of(feature),
                    truth=truth_words(_domain_of(feature, named)),
                    **dict(columns.get(feature.name, ColumnFormat())),
                )
                for feature in sorted(schema.feature, key=lambda feature: feature.name)
            },
            missing=csv.missing,
            decimal=csv.decimal,
        )

    def words(self, column: ColumnReading) -> tuple[str, ...]:
        """Words for missing values of a column; none under rules 1, see there."""
        if self.rules == 1:
            return ()
        return self.missing if column.missing is None else column.missing

    def truth_words(self, column: ColumnReading) -> tuple[str, str]:
        """Text of a boolean false and true in a column of type BYTES."""
        return column.truth or (_TRUTH_PAIRS[0] if self.rules == 1 else TRUTH)


def text_domain(schema: schema_pb2.Schema, column: str) -> tuple[str, ...]:
    """Values that a schema allows in a column of text; none without a domain."""
    named = {domain.name: domain.value for domain in schema.string_domain}
    for feature in schema.feature:
        if feature.name == column:
            return tuple(_domain_of(feature, named))
    return ()


def truth_words(domain: Iterable[str]) -> tuple[str, str] | None:
    """Spelling of false and true in a domain.

    Args:
        domain: All values of a column.

    Returns:
        The two values, false first, if they are false and true, f and t, no and yes, n and y, off
        and on, or 0 and 1, without regard to case; None for any other domain.
    """
    values = sorted(set(domain), key=str.lower)
    return (values[0], values[1]) if _folded(values) in _TRUTH_PAIRS else None


def _folded(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(value.lower() for value in values)


def _domain_of(feature: schema_pb2.Feature, named: Mapping[str, Iterable[str]]) -> Iterable[str]:
    if feature.HasField("string_domain"):
        return feature.string_domain.value
    return named.get(feature.domain, ())


def _type_of(feature: schema_pb2.Feature) -> Any:
    type_name = schema_pb2.FeatureType.Name(feature.type)
    if type_name not in _TYPES:
        raise DataError(
            f"The schema gives {feature.name} the type {type_name}. A column of a table can be "
            f"{', '.join(_TYPES)}: give it one of these in configs/schema.pbtxt."
        )
    return type_name

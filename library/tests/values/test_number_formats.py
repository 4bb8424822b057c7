"""Numbers in text with currencies, units, separators of thousands and signs of accountants."""

import pyarrow as pa
import pytest

from tfxkit.config.data import NumberFormat
from tfxkit.values.columns import read_column, unfit
from tfxkit.values.reading import ColumnReading, Reading
from tfxkit.values.scalars import value_reader

X = "does not fit"
MONEY = NumberFormat(prefix="$", thousands=",")
ACCOUNTS = NumberFormat(prefix="$", thousands=",", negative="parentheses")
TRAILING = NumberFormat(negative="trailing")
GERMAN = NumberFormat(suffix="€", thousands=".")
FRENCH = NumberFormat(thousands=" ")
SWISS = NumberFormat(thousands="'")
PERCENT = NumberFormat(suffix="%")
PLAIN = NumberFormat()


def read(value, how, reading):
    """The value by both readers, which must agree."""
    try:
        from_column = read_column(pa.array([value]), how, reading)[0].as_py()
    except pa.ArrowInvalid:
        from_column = X
    try:
        single = value_reader(how, reading)(value)
    except ValueError:
        single = X
    assert repr(single) == repr(from_column)
    return single


@pytest.mark.parametrize(
    ("parse", "decimal", "text", "wanted"),
    [
        (MONEY, ".", "$1,234.50", 1234.5),
        (MONEY, ".", "$-660.00", -660.0),
        (MONEY, ".", "-$660", -660.0),
        (MONEY, ".", "- $ 660", -660.0),
        (MONEY, ".", "\u2212$660", -660.0),
        (MONEY, ".", "$+5", 5.0),
        (MONEY, ".", "$1234", 1234.0),
        (MONEY, ".", "$1,234,567", 1234567.0),
        (MONEY, ".", " $5 ", 5.0),
        (MONEY, ".", "$.5", 0.5),
        (MONEY, ".", "$0", 0.0),
        (MONEY, ".", "-$-5", X),
        (MONEY, ".", "+$-5", X),
        (MONEY, ".", "5", X),
        (MONEY, ".", "€5", X),
        (MONEY, ".", "$", X),
        (MONEY, ".", "$12,34", X),
        (MONEY, ".", "$1,23,456", X),
        (MONEY, ".", "$1,234,56", X),
        (MONEY, ".", "($5)", X),
        (MONEY, ".", "$5 a month", X),
        (MONEY, ".", "", None),
        (MONEY, ".", "NA", None),
        (MONEY, ".", 5, 5.0),
        (MONEY, ".", 0.5, 0.5),
        (ACCOUNTS, ".", "($1,234.50)", -1234.5),
        (ACCOUNTS, ".", "( $5 )", -5.0),
        (ACCOUNTS, ".", "$5", 5.0),
        (ACCOUNTS, ".", "-$5", -5.0),
        (ACCOUNTS, ".", "(-$5)", X),
        (ACCOUNTS, ".", "($5", X),
        (ACCOUNTS, ".", "$5)", X),
        (TRAILING, ".", "123-", -123.0),
        (TRAILING, ".", "123", 123.0),
        (TRAILING, ".", "-123", -123.0),
        (TRAILING, ".", "-123-", X),
        (GERMAN, ",", "1.234,50 €", 1234.5),
        (GERMAN, ",", "-1.234.567€", -1234567.0),
        (GERMAN, ",", "1234,5\xa0€", 1234.5),
        (GERMAN, ",", "1.23 €", X),
        (FRENCH, ",", "1\u202f234,5", 1234.5),
        (FRENCH, ",", "1 234 567", 1234567.0),
        (FRENCH, ",", "1\xa0234", 1234.0),
        (FRENCH, ",", "12 34", X),
        (SWISS, ".", "1'234.50", 1234.5),
        (SWISS, ".", "1\u2019234.50", 1234.5),
        (PERCENT, ".", "12.5 %", 12.5),
        (PERCENT, ".", "-0.5%", -0.5),
        (PERCENT, ".", "5e2%", 500.0),
        (PERCENT, ".", "12.5", X),
        (PERCENT, ".", "12.5%%", X),
        (PLAIN, ".", "\uff11\uff12", 12.0),
        (PLAIN, ".", "\uff0d\uff15\uff0e\uff15", -5.5),
        (PLAIN, ".", "\u22125", -5.0),
        (PLAIN, ".", "\u0661\u0662", X),
        (PLAIN, ".", "1\n", 1.0),
        (PLAIN, ".", "1\n2", X),
        (PLAIN, ".", "true", X),
        (PLAIN, ".", "inf", X),
    ],
)
def test_a_number(parse, decimal, text, wanted):
    reading = Reading(missing=("NA",), decimal=decimal)
    how = ColumnReading(type="FLOAT", parse=parse)
    assert read(text, how, reading) == wanted  # float32 holds each of these


def test_whole_numbers():
    how = ColumnReading(type="INT", parse=MONEY)
    assert read("$9,007,199,254,740,993.00", how, Reading()) == 2**53 + 1
    assert read("-$12,600", how, Reading()) == -12600
    assert read("$0.50", how, Reading()) == X


def test_positions_of_other_forms():
    how = ColumnReading(type="FLOAT", parse=MONEY)
    column = pa.array(["$5", "5", None, "$1,000", "€3", ""])
    assert unfit(column, how, Reading()) == [1, 4]


@pytest.mark.parametrize("prefix", ["$", "(", "[a-z]", "\\d", "R$", "USD", "^", "kr."])
def test_affixes_are_no_patterns(prefix):
    how = ColumnReading(type="INT", parse=NumberFormat(prefix=prefix, suffix=prefix))
    assert read(f"{prefix}5{prefix}", how, Reading()) == 5
    assert read(f"a5{prefix}", how, Reading()) == X

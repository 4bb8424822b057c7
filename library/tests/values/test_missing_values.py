"""One rule for missing values, in columns and in single values, and the rules of older models."""

import datetime
import decimal

import pyarrow as pa
import pytest

from tfxkit.values.columns import missing_mask, read_column
from tfxkit.values.reading import ColumnReading, Reading
from tfxkit.values.scalars import value_reader

WORDS = ("NA", "-", "n/a")
BLANKS = ["", " ", "\t\r\n", "\x0b\x0c", "\xa0", "\u2007", "\u202f", "\u3000", "\x85", "\u1680"]
WITHOUT_INK = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\xad", " \u200b\xa0"]
MISSING = [*BLANKS, *WITHOUT_INK, "NA", " NA\xa0", "-", "n/a"]
PRESENT = ["na", "N/A", "NAN", "None", "0", "--", "a b", ".", "\u2800", "NA."]


def read_both(value, type_name, reading):
    """The value by both readers, which must agree."""
    how = ColumnReading(type=type_name)
    from_column = read_column(pa.array([value]), how, reading)[0].as_py()
    single = value_reader(how, reading)(value)
    assert repr(single) == repr(from_column)
    return single


@pytest.mark.parametrize("text", MISSING)
@pytest.mark.parametrize("type_name", ["INT", "FLOAT", "BYTES"])
def test_blank_text_and_words_are_missing_in_each_type(text, type_name):
    reading = Reading(missing=WORDS)
    assert read_both(text, type_name, reading) is None
    assert missing_mask(pa.array([text]), WORDS).to_pylist() == [True]
    assert missing_mask(pa.array([text.encode()]), WORDS).to_pylist() == [True]


@pytest.mark.parametrize("text", PRESENT)
def test_other_text_is_a_value(text):
    assert read_both(text, "BYTES", Reading(missing=WORDS)) == text.encode()
    assert missing_mask(pa.array([text], pa.large_string()), WORDS).to_pylist() == [False]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1.5, None, float("nan"), float("inf"), 0.0], [False, True, True, False, False]),
        ([0, None, -999], [False, True, False]),
        ([False, None], [False, True]),
        ([b"\xff", b"", None, b" ", b"NA"], [False, True, True, True, True]),
        ([datetime.date(2024, 2, 29), None], [False, True]),
        ([decimal.Decimal("0.0"), None], [False, True]),
        ([None, None], [True, True]),
    ],
)
def test_what_is_missing_among_other_types(values, wanted):
    assert missing_mask(pa.array(values), WORDS).to_pylist() == wanted


def test_missing_values_of_a_slice():
    column = pa.array(["a", " ", "b", None, "NA"]).slice(1)
    result = read_column(column, ColumnReading(type="BYTES"), Reading(missing=WORDS))
    result.validate(full=True)
    assert result.to_pylist() == [None, b"b", None, None]


def test_words_of_a_column_take_the_place_of_those_of_the_data_set():
    reading = Reading(missing=("NA",))
    country = ColumnReading(type="BYTES", missing=())
    grade = ColumnReading(type="BYTES", missing=("-",))
    column = pa.array(["NA", "-"])
    assert read_column(column, country, reading).to_pylist() == [b"NA", b"-"]
    assert read_column(column, grade, reading).to_pylist() == [b"NA", None]
    assert [value_reader(grade, reading)(text) for text in ("NA", "-")] == [b"NA", None]


class TestRulesOfAModelWithoutAReading:
    reading = Reading(rules=1, missing=("NA",))

    @pytest.mark.parametrize("text", [" ", "\xa0", "NA", "\u200b"])
    def test_text_that_is_not_empty_is_a_value(self, text):
        assert read_both(text, "BYTES", self.reading) == text.encode()

    def test_empty_text_is_missing(self):
        assert read_both("", "BYTES", self.reading) is None

    @pytest.mark.parametrize("value", ["nan", "NaN", float("nan")])
    def test_nan_stays_nan(self, value):
        assert str(read_both(value, "FLOAT", self.reading)) == "nan"

    def test_truth_values_without_a_domain_are_in_small_letters(self):
        assert read_both(True, "BYTES", self.reading) == b"true"
        assert read_both(False, "BYTES", self.reading) == b"false"

    @pytest.mark.parametrize(
        ("column", "wanted"),
        [
            (pa.array([0], pa.timestamp("ns")), b"1970-01-01 00:00:00.000000000"),
            (pa.array([1_500], pa.timestamp("ms")), b"1970-01-01 00:00:01.500"),
            (pa.array([decimal.Decimal("12.50")]), b"12.50"),
            (pa.array([datetime.date(2024, 2, 29)]), b"2024-02-29"),
        ],
    )
    def test_times_and_decimals_keep_their_digits(self, column, wanted):
        result = read_column(column, ColumnReading(type="BYTES"), self.reading)
        assert result.to_pylist() == [wanted]

"""The kind of column that `init` infers from its values, and its remarks."""

import datetime
import decimal
import uuid

import numpy as np
import pyarrow as pa
import pytest

from tfxkit.config.data import NumberFormat
from tfxkit.values.columns import guess_type, missing_mask, read_column, why_unreadable
from tfxkit.values.inference import infer
from tfxkit.values.number_forms import DecimalSign, find_decimal
from tfxkit.values.reading import Reading

POINT, COMMA = DecimalSign(".", certain=True), DecimalSign(",", certain=True)
UNKNOWN = DecimalSign(".", certain=False)
NAN = float("nan")
TRUTH = ("False", "True")


def type_of(pieces, **arguments):
    reading = infer(pieces, **arguments).reading
    return reading and reading.type


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["100046.0", "", "17031320100.0"], "INT"),
        (["1.0", "0.0"], "INT"),
        (["5.", "+5", "-7"], "INT"),
        (["1e5", "2E+05"], "INT"),
        (["1e-3", "1"], "FLOAT"),
        (["1e17", "1"], "FLOAT"),
        (["1.5", "2"], "FLOAT"),
        (["1", "inf"], "FLOAT"),
        (["9007199254740993", "1"], "INT"),
        (["9223372036854775807", "-9223372036854775808"], "INT"),
        (["9223372036854775808", "1"], "BYTES"),
        (["9223372036854775808.0", "1"], "BYTES"),
        (["007", "123"], "BYTES"),
        (["02134.0", "1"], "BYTES"),
        (["0", "-0", "0.0"], "INT"),
        (["0.5", "0"], "FLOAT"),
        (["0x1F", "1"], "BYTES"),
        (["1_000"], "BYTES"),
        (["a", "b"], "BYTES"),
        (["2024-02-29", "2024-03-01"], "BYTES"),
        (["5", "\xa0", "\u200b", " 7 "], "INT"),
        (["", " ", None], None),
        ([None], None),
        ([], None),
        ([1, None, 3], "INT"),
        ([1.0, NAN, 17031320100.0, None], "INT"),
        ([1.0, 1.5], "FLOAT"),
        ([1.0, float("inf")], "FLOAT"),
        ([2.0**53], "INT"),
        ([2.0**53 + 2], "FLOAT"),
        ([NAN, NAN], None),
        ([np.float16(1), np.float16(2)], "INT"),
        ([np.float16(1.5)], "FLOAT"),
        ([decimal.Decimal("12.00")], "INT"),
        ([decimal.Decimal("12.50")], "FLOAT"),
        ([decimal.Decimal(2**63)], "BYTES"),
        ([decimal.Decimal("12345678901234567890.00")], "BYTES"),
        ([decimal.Decimal("12345678901234567890.50")], "FLOAT"),
        ([datetime.date(2024, 2, 29)], "BYTES"),
        ([datetime.datetime(2024, 2, 29)], "BYTES"),
        ([datetime.time(10, 30)], "BYTES"),
        ([b"a", b"5"], "BYTES"),
        ([b"5"], "INT"),
    ],
)
def test_type(values, wanted):
    assert type_of(pa.array(values)) == wanted


@pytest.mark.parametrize(
    "arrow_type",
    [
        pa.null(),
        pa.bool_(),
        pa.int8(),
        pa.float16(),
        pa.decimal128(5, 2),
        pa.string(),
        pa.binary(),
        pa.date32(),
        pa.timestamp("ns"),
        pa.time32("s"),
        pa.dictionary(pa.int8(), pa.string()),
        pa.uuid(),
    ],
)
def test_a_column_without_a_value_has_no_type(arrow_type):
    assert infer(pa.nulls(3, arrow_type)).reading is None
    assert infer(pa.array([], arrow_type)).reading is None


def test_dictionaries_of_extension_types_and_of_dictionaries():
    ids = pa.array([uuid.UUID(int=5).bytes], pa.uuid())
    words = pa.array(["7", "8"]).dictionary_encode()
    assert type_of(pa.DictionaryArray.from_arrays(pa.array([0]), ids)) == "BYTES"
    assert type_of(pa.DictionaryArray.from_arrays(pa.array([1]), words)) == "INT"


def test_unsigned_numbers_beyond_64_bits_are_names():
    assert type_of(pa.array([2**64 - 1, 5], pa.uint64())) == "BYTES"
    assert type_of(pa.array([2**63 - 1], pa.uint64())) == "INT"


@pytest.mark.parametrize(
    "values",
    [
        [True, False, None],
        ["True", "False", ""],
        ["TRUE", "true", "FALSE "],
        ["false"],
        [b"true", b"false"],
    ],
)
@pytest.mark.parametrize("label", [False, True])
def test_truth_values_are_text_with_one_spelling(values, label):
    inferred = infer(pa.array(values), label=label)
    assert (inferred.reading.type, inferred.reading.truth) == ("BYTES", TRUTH)
    read = read_column(pa.array(values), inferred.reading, Reading())
    assert set(read.to_pylist()) <= {b"True", b"False", None}


@pytest.mark.parametrize("values", [["T", "F"], ["yes", "no"], ["on", "off"], ["true", "maybe"]])
def test_other_words_for_truth_stay_as_they_are(values):
    reading = infer(pa.array(values)).reading
    assert (reading.type, reading.truth) == ("BYTES", None)


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        ([pa.array([1], pa.int32()), pa.array([1.0, NAN])], "INT"),
        ([pa.array([1], pa.int32()), pa.array([1.5])], "FLOAT"),
        ([pa.array([2**53 + 1]), pa.array([1.0])], "INT"),
        ([pa.nulls(3), pa.array([1])], "INT"),
        ([pa.array([], pa.string()), pa.array([1])], "INT"),
        ([pa.array([1]), pa.array(["7", "8"])], "INT"),
        ([pa.array([1]), pa.array([2.0, NAN]), pa.array(["x"])], "BYTES"),
        ([pa.array(["a"]).dictionary_encode(), pa.array(["b"])], "BYTES"),
        ([pa.array([datetime.date(2024, 1, 1)]), pa.array([0], pa.timestamp("s"))], "BYTES"),
        ([pa.array([datetime.date(2024, 1, 1)]), pa.array(["2024-01-02"])], "BYTES"),
        ([pa.array([True]), pa.array(["False", "true"])], "BYTES"),
        ([pa.array([True]), pa.array([0, 1])], None),
    ],
)
def test_files_with_different_types(pieces, wanted):
    inferred = infer(pieces)
    assert (inferred.reading and inferred.reading.type) == wanted
    if inferred.reading:
        for piece in pieces:
            read_column(piece, inferred.reading, Reading())
    else:
        assert inferred.why_unreadable == "truth values in some files, numbers in others"


def test_booleans_in_one_file_and_text_in_another_are_truth_values():
    reading = infer([pa.array([True]), pa.array(["False", "true"])]).reading
    assert reading.truth == TRUTH


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (pa.array([{"lat": 1.5}]), "struct<lat: double>: several values in a row"),
        (pa.array([["a"]]), "list<item: string>: several values in a row"),
        (pa.array([3], pa.duration("s")), "duration[s]: a length of time"),
        (pa.array([b"\xff"]), "bytes that are no text"),
    ],
)
def test_columns_that_cannot_be_read(column, reason):
    inferred = infer(column)
    assert inferred.reading is None
    assert inferred.why_unreadable.startswith(reason)


@pytest.mark.parametrize(
    ("arrow_type", "wanted"),
    [
        (pa.int8(), "INT"),
        (pa.uint64(), "INT"),
        (pa.float16(), "FLOAT"),
        (pa.decimal128(5, 2), "FLOAT"),
        (pa.bool_(), "BYTES"),
        (pa.string_view(), "BYTES"),
        (pa.timestamp("s"), "BYTES"),
        (pa.dictionary(pa.int8(), pa.int64()), "INT"),
        (pa.uuid(), "BYTES"),
        (pa.bool8(), "BYTES"),
        (pa.opaque(pa.string(), "numeric", "PostgreSQL"), "BYTES"),
        (pa.null(), None),
        (pa.list_(pa.int64()), None),
        (pa.duration("s"), None),
        (pa.month_day_nano_interval(), None),
    ],
)
def test_a_type_alone(arrow_type, wanted):
    assert guess_type(arrow_type) == wanted
    assert (why_unreadable(arrow_type) is None) == (wanted is not None or arrow_type == pa.null())


class TestWordsForMissingValues:
    def test_among_numbers(self):
        column = pa.array(["1", "NA", "-", "-", "None", "\\N", "NaT", "2.5"])
        inferred = infer(column)
        assert inferred.markers == {"NA": 1, "-": 2, "None": 1, "\\N": 1, "NaT": 1}
        assert inferred.reading.type == "FLOAT"
        read = read_column(column, inferred.reading, Reading())
        assert read.to_pylist() == [1.0, *[None] * 6, 2.5]

    def test_among_text_a_word_may_be_a_name(self):
        inferred = infer(pa.array(["Smith", "None", "-", "N/A", "#REF!", "<NA>", "Jones"]))
        assert inferred.markers == {"N/A": 1, "#REF!": 1, "<NA>": 1}
        assert inferred.kept == {"None": 1, "-": 1}
        assert inferred.reading.missing == ("#REF!", "<NA>", "N/A")

    def test_namibia_is_a_country(self):
        inferred = infer(pa.array(["DE", "FR", "NA", "CH", "?"]))
        assert (inferred.markers, inferred.kept) == ({"?": 1}, {"NA": 1})

    def test_a_frequent_word_is_a_class_of_a_label(self):
        column = pa.array(["AS", "EU", "NA"] * 30 + ["?"] * 2)
        inferred = infer(column, label=True)
        assert (inferred.markers, inferred.kept) == ({"?": 2}, {"NA": 30})
        column = pa.array(["Asia", "Europe", "NA"] * 30)
        assert infer(column).markers == {"NA": 30}

    def test_words_that_a_person_names(self):
        column = pa.array(["AS", "EU", "NA", "none"] * 30)
        inferred = infer(column, missing=["NA"], label=True)
        assert inferred.markers == {"NA": 30}
        assert infer(column, missing=[], label=True).markers == {}
        assert infer(pa.array(["1", "NA"]), missing=[]).reading.type == "BYTES"

    def test_a_column_of_nothing_else(self):
        inferred = infer(pa.array(["NA", "NA", " "]))
        assert (inferred.reading, inferred.markers) == (None, {"NA": 2})


def test_odd_values_of_a_column_of_numbers():
    values = [str(number) for number in range(100)]
    values[7], values[40] = "x", " 4o"
    inferred = infer(pa.array(values))
    assert inferred.reading.type == "BYTES"
    assert inferred.odd == ((7, "x"), (40, "4o"))
    assert infer(pa.array(["12", "12a", "13b", "14"])).odd == ()


@pytest.mark.parametrize(
    ("values", "decimal", "type_name", "parse"),
    [
        (["$1,234.50", "$-660.00"], POINT, "FLOAT", {"prefix": "$", "thousands": ","}),
        (["$1,234.50", "$5"], UNKNOWN, "FLOAT", {"prefix": "$", "thousands": ","}),
        (["USD 12", "USD 3"], POINT, "INT", {"prefix": "USD"}),
        (["R$ 12", "R$ 3"], POINT, "INT", {"prefix": "R$"}),
        (["12 €", "1.234,5 €"], COMMA, "FLOAT", {"suffix": "€", "thousands": "."}),
        (["12.5%", "-3%"], UNKNOWN, "FLOAT", {"suffix": "%"}),
        (["3.4 kg", "5 kg"], UNKNOWN, "FLOAT", {"suffix": "kg"}),
        (["36 months", "60 months"], UNKNOWN, "INT", {"suffix": "months"}),
        (["1,234,567", "5"], UNKNOWN, "INT", {"thousands": ","}),
        (["1,234", "5,678"], POINT, "INT", {"thousands": ","}),
        (["1 234", "12 345"], UNKNOWN, "INT", {"thousands": " "}),
        (["1\u202f234,5", "12"], COMMA, "FLOAT", {"thousands": " "}),
        (["1 234.50", "5 678.00"], UNKNOWN, "FLOAT", {"thousands": " "}),
        (["1\xa0234", "5\xa0678"], UNKNOWN, "INT", {"thousands": " "}),
        (["1 234 €", "5 678 €"], UNKNOWN, "INT", {"suffix": "€", "thousands": " "}),
        (["1'234.50", "2"], UNKNOWN, "FLOAT", {"thousands": "'"}),
        (["(5)", "12"], UNKNOWN, "INT", {"negative": "parentheses"}),
        (["5-", "12"], UNKNOWN, "INT", {"negative": "trailing"}),
        (["\u22125", "12"], UNKNOWN, "INT", {}),
        (["\uff11\uff12", "3"], UNKNOWN, "INT", {}),
        (["$5", "NA"], UNKNOWN, "INT", {"prefix": "$"}),
    ],
)
def test_numbers_in_text(values, decimal, type_name, parse):
    inferred = infer(pa.array(values), decimal)
    assert inferred.reading.type == type_name
    assert inferred.reading.parse == NumberFormat(**parse)
    assert "are read as numbers" in inferred.notes[0]
    read = read_column(pa.array(values), inferred.reading, Reading(decimal=decimal.sign))
    assert read.null_count == missing_mask(pa.array(values), ["NA"]).true_count


@pytest.mark.parametrize(
    "values",
    [
        ["10-20", "30-40"],
        ["1/2", "3/4"],
        ["1:30", "2:45"],
        ["10.0.0.1", "192.168.1.1"],
        ["1.2.3", "1.10.0"],
        ["555-1234", "555-9999"],
        ["+49 30 1234", "+49 30 9999"],
        ["030 123 456", "030 123 457"],
        ["123 456 789", "987 654 321"],
        ["12,34,567", "1,00,000"],
        ["v1", "v2"],
        ["Q1", "Q2"],
        ["INV 7", "INV 8"],
        ["A-1", "A-2"],
        ["12a", "13a"],
        ["1A", "2B", "3A"],
        ["1st", "2nd"],
        ["<0.1", "~5"],
        ["5+", "10+"],
        ["2024-02-29", "2024-03-01"],
        ["29.02.2024", "01.03.2024"],
        ["02134", "10001"],
        ["9223372036854775808", "1"],
        ["10 Downing Street", "221B Baker Street"],
    ],
)
@pytest.mark.parametrize("decimal", [POINT, COMMA, UNKNOWN])
def test_what_is_no_number(values, decimal):
    inferred = infer(pa.array(values), decimal)
    assert (inferred.reading.type, inferred.reading.parse) == ("BYTES", None)
    assert not [note for note in inferred.notes if "numbers" in note]


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (
            ["1,234", "5,678"],
            "2 values such as '1,234' look like numbers, as with parse: {'thousands': ','}",
        ),
        (
            [f"${number}" for number in range(19)] + ["five"],
            "19 values such as '$10' look like numbers, as with parse: {'prefix': '$'}",
        ),
        (["$5", "CHF 3"], "numbers such as '$5' have different units: $, CHF"),
        (["1 kg", "2 g"], "numbers such as '1 kg' have different units: g, kg"),
        (["007", "12"], "values such as '007' are codes: a number would lose the zeros"),
    ],
)
def test_what_is_said_about_numbers_that_are_not_read(values, note):
    inferred = infer(pa.array(values))
    assert (inferred.reading.type, inferred.notes) == ("BYTES", (note,))


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        ([17031320100.5, 17031320101.5], 1),
        ([16777217.0, 16777216.0, 0.5], 1),
        ([0.1, 0.2, 0.3], 0),
        (["17031320100.5", "17031320101.5"], 1),
    ],
)
def test_values_that_float32_merges_are_said(values, notes):
    inferred = infer(pa.array(values))
    assert (inferred.reading.type, len(inferred.notes)) == ("FLOAT", notes)


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ([["1.5", "2"]], POINT),
        ([["1,5", "2"]], COMMA),
        ([["1,5"], ["1.5"]], POINT),
        ([["1,234", "2"]], UNKNOWN),
        ([["1.234", "2"]], UNKNOWN),
        ([["1.234", "2"], ["0,5"]], COMMA),
        ([["1.234,50"]], COMMA),
        ([["1,234.50"]], POINT),
        ([["$1,234.50"], ["a"]], POINT),
        ([["12,5 %", "NA"]], COMMA),
        ([["0.123"]], POINT),
        ([[f"{number},5" for number in range(96)] + ["x", "y"]], COMMA),
        ([["1,5", "", None, " "]], COMMA),
        ([["1.2.3"]], UNKNOWN),
        ([["a, b", "c, d"]], UNKNOWN),
        ([[1.5, 2.5]], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_decimal_sign(columns, wanted):
    assert find_decimal(pa.array(values) for values in columns) == wanted

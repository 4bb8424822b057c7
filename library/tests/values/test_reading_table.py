"""Each kind of value as each type: one table for columns and for single values.

The first field of a row is what a file or a client has, the others are what INT, FLOAT and BYTES
make of it: a value, None where it is missing, or `X` where it does not fit.
"""

import datetime
import decimal
import uuid

import numpy as np
import pyarrow as pa
import pytest

from tfxkit.values.columns import read_column, unfit
from tfxkit.values.reading import ColumnReading, Reading
from tfxkit.values.scalars import value_reader

X = "does not fit"
TYPES = ("INT", "FLOAT", "BYTES")
INF = float("inf")
# Values that JSON has, too.
VALUES = [
    ("17031320100.0", 17031320100, 17031320576.0, b"17031320100.0"),
    ("5", 5, 5.0, b"5"),
    (" 5 ", 5, 5.0, b" 5 "),
    ("\xa05\u200b", 5, 5.0, "\xa05\u200b".encode()),
    ("+5", 5, 5.0, b"+5"),
    ("+-5", X, X, b"+-5"),
    ("5.", 5, 5.0, b"5."),
    (".5", X, 0.5, b".5"),
    ("1e5", 100000, 100000.0, b"1e5"),
    ("1E5", 100000, 100000.0, b"1E5"),
    ("1.5e1", 15, 15.0, b"1.5e1"),
    ("1e-3", X, 0.001, b"1e-3"),
    ("1.5", X, 1.5, b"1.5"),
    ("-0", 0, 0.0, b"-0"),
    ("-0.0", 0, 0.0, b"-0.0"),
    ("007", 7, 7.0, b"007"),
    ("9007199254740993", 2**53 + 1, 2.0**53, b"9007199254740993"),
    ("9007199254740993.0", 2**53 + 1, 2.0**53, b"9007199254740993.0"),
    ("9223372036854775807", 2**63 - 1, 2.0**63, b"9223372036854775807"),
    ("-9223372036854775808", -(2**63), -(2.0**63), b"-9223372036854775808"),
    ("9223372036854775808", X, 2.0**63, b"9223372036854775808"),
    ("0x1F", X, X, b"0x1F"),
    ("1_000", X, X, b"1_000"),
    ("1,000", X, X, b"1,000"),
    ("1,5", X, X, b"1,5"),
    ("\uff11\uff12", X, X, "\uff11\uff12".encode()),
    ("\u0661\u0662", X, X, "\u0661\u0662".encode()),
    ("nan", None, None, b"nan"),
    ("NaN", None, None, b"NaN"),
    ("-nan", None, None, b"-nan"),
    ("inf", X, INF, b"inf"),
    ("-Infinity", X, -INF, b"-Infinity"),
    ("1e999", X, INF, b"1e999"),
    ("1e39", X, INF, b"1e39"),
    ("", None, None, None),
    ("  \t", None, None, None),
    ("\xa0\u202f\u3000", None, None, None),
    ("\u200b", None, None, None),
    ("\ufeff", None, None, None),
    ("True", 1, 1.0, b"True"),
    ("TRUE", 1, 1.0, b"TRUE"),
    (" false ", 0, 0.0, b" false "),
    ("yes", X, X, b"yes"),
    ("on", X, X, b"on"),
    ("t", X, X, b"t"),
    ("NA", X, X, b"NA"),
    ("a\u2028b", X, X, "a\u2028b".encode()),
    ("東京", X, X, "東京".encode()),
    (True, 1, 1.0, b"True"),
    (False, 0, 0.0, b"False"),
    (5, 5, 5.0, b"5"),
    (-7, -7, -7.0, b"-7"),
    (2**53 + 1, 2**53 + 1, 2.0**53, b"9007199254740993"),
    (2**63 - 1, 2**63 - 1, 2.0**63, b"9223372036854775807"),
    (2**63, X, 2.0**63, b"9223372036854775808"),
    (2**64 - 1, X, 2.0**64, b"18446744073709551615"),
    (5.0, 5, 5.0, b"5"),
    (-0.0, 0, 0.0, b"0"),
    (1.5, X, 1.5, b"1.5"),
    (0.1, X, float(np.float32(0.1)), b"0.1"),
    (1e-5, X, float(np.float32(1e-5)), b"1e-05"),
    (1e22, X, float(np.float32(1e22)), b"1e+22"),
    (1.5e300, X, INF, b"1.5e+300"),
    (float("nan"), None, None, None),
    (INF, X, INF, X),
    (-INF, X, -INF, X),
    (None, None, None, None),
    (b"5", 5, 5.0, b"5"),
    (b" ", None, None, None),
    (b"", None, None, None),
    (b"\xff\x00", X, X, b"\xff\x00"),
]
# Values of types that only files have: Arrow arrays of one value.
ARRAYS = [
    *(
        (pa.array([5], type_), 5, 5.0, b"5")
        for type_ in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint32(), pa.uint64())
    ),
    (pa.array([np.float16(2)]), 2, 2.0, b"2"),
    (pa.array([np.float16(1.5)]), X, 1.5, b"1.5"),
    (pa.array([np.float16("nan")]), None, None, None),
    (pa.array([0.1], pa.float32()), X, float(np.float32(0.1)), b"0.1"),
    (pa.array([1e-5], pa.float32()), X, float(np.float32(1e-5)), b"1e-05"),
    (pa.array([decimal.Decimal("12.50")]), X, 12.5, b"12.5"),
    (pa.array([decimal.Decimal("12.00")]), 12, 12.0, b"12"),
    (pa.array([decimal.Decimal("-100")]), -100, -100.0, b"-100"),
    (pa.array([0], pa.int64()).cast(pa.decimal128(38, 10)), 0, 0.0, b"0"),
    (pa.array([decimal.Decimal("1E-8")], pa.decimal128(38, 10)), X, 1e-8, b"0.00000001"),
    (pa.array([decimal.Decimal("0.5")], pa.decimal256(60, 2)), X, 0.5, b"0.5"),
    (pa.array([decimal.Decimal(2**63)], pa.decimal128(38, 0)), X, 2.0**63, str(2**63).encode()),
    (pa.array(["5"], pa.large_string()), 5, 5.0, b"5"),
    (pa.array(["5"], pa.string_view()), 5, 5.0, b"5"),
    (pa.array(["5"]).dictionary_encode(), 5, 5.0, b"5"),
    (pa.array([True]).dictionary_encode(), 1, 1.0, b"True"),
    (
        pa.DictionaryArray.from_arrays(pa.array([0], pa.uint64()), pa.array([None, "x"])),
        *(None, None, None),
    ),
    (pa.DictionaryArray.from_arrays(pa.array([1], pa.int8()), pa.array(["x", "7"])), 7, 7.0, b"7"),
    (pa.RunEndEncodedArray.from_arrays([1], ["5"]), 5, 5.0, b"5"),
    (pa.array([b"5"], pa.large_binary()), 5, 5.0, b"5"),
    (pa.array([b"05"], pa.binary(2)), 5, 5.0, b"05"),
    (pa.array([b"5"], pa.binary_view()), 5, 5.0, b"5"),
    (pa.array([b"\xfe\xff"], pa.binary(2)), X, X, b"\xfe\xff"),
    (pa.array([datetime.date(2024, 2, 29)]), X, X, b"2024-02-29"),
    (pa.array([datetime.date(2024, 2, 29)], pa.date64()), X, X, b"2024-02-29"),
    (pa.array([0], pa.timestamp("ns")), X, X, b"1970-01-01 00:00:00"),
    (pa.array([1_500], pa.timestamp("ms")), X, X, b"1970-01-01 00:00:01.500000"),
    (pa.array([1_500_000], pa.timestamp("us")), X, X, b"1970-01-01 00:00:01.500000"),
    (pa.array([1_500_000_000], pa.timestamp("ns")), X, X, b"1970-01-01 00:00:01.500000"),
    (pa.array([1_000_000_001], pa.timestamp("ns")), X, X, b"1970-01-01 00:00:01.000000001"),
    (pa.array([1_500], pa.timestamp("ms", "Asia/Tokyo")), X, X, b"1970-01-01 00:00:01.500000"),
    (pa.array([1704092400], pa.timestamp("s", "+02:00")), X, X, b"2024-01-01 07:00:00"),
    (pa.array([-11676096000], pa.timestamp("s")), X, X, b"1600-01-01 00:00:00"),
    (pa.array([253402300799], pa.timestamp("s", "UTC")), X, X, b"9999-12-31 23:59:59"),
    (pa.array([-(10**18) + 1], pa.timestamp("ns")), X, X, b"1938-04-24 22:13:20.000000001"),
    (pa.array([-(2**63)], pa.timestamp("us")), X, X, X),
    (pa.array([37800], pa.time32("s")), X, X, b"10:30:00"),
    (pa.array([37_800_500], pa.time32("ms")), X, X, b"10:30:00.500000"),
    (pa.array([37_800 * 10**9], pa.time64("ns")), X, X, b"10:30:00"),
    (pa.array([uuid.UUID(int=5).bytes], pa.uuid()), X, X, str(uuid.UUID(int=5)).encode()),
    (
        pa.ExtensionArray.from_storage(
            pa.opaque(pa.string(), "numeric", "PostgreSQL"), pa.array(["1.50"])
        ),
        *(X, 1.5, b"1.50"),
    ),
    (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())), 1, 1.0, b"True"),
    (pa.nulls(1), None, None, None),
    (pa.chunked_array([[], [5]], pa.int64()), 5, 5.0, b"5"),
    (pa.array([3], pa.duration("s")), X, X, X),
    (pa.array([{"lat": 1.5}]), X, X, X),
    (pa.array([["a"]]), X, X, X),
    (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), X, X, X),
    (pa.array([[1.5, 2.5]], pa.list_(pa.float32(), 2)), X, X, X),
]
CASES = [
    (entry[0], type_, wanted)
    for entry in VALUES
    for type_, wanted in zip(TYPES, entry[1:], strict=True)
]
ARRAY_CASES = [
    (entry[0], type_, wanted)
    for entry in ARRAYS
    for type_, wanted in zip(TYPES, entry[1:], strict=True)
]


def array_of(value):
    return pa.array([value], pa.uint64() if type(value) is int and value >= 2**63 else None)


PLAIN = Reading()


def read(column, how, reading=PLAIN):
    """The only value of a column, or `X`."""
    try:
        result = read_column(column, how, reading)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return X
    assert result.type == {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.binary()}[how.type]
    result.validate(full=True)
    return result[0].as_py()


def read_single(value, how, reading=PLAIN):
    """The same from the reader of single values."""
    try:
        return value_reader(how, reading)(value)
    except ValueError:
        return X


def same(left, right):
    return repr(left) == repr(right)  # tells 0.0 from -0.0, 1 from True and 1.0


@pytest.mark.parametrize(("value", "type_name", "wanted"), CASES)
def test_a_column(value, type_name, wanted):
    if type_name == "FLOAT" and isinstance(wanted, float):
        wanted = float(np.float32(wanted))
    assert same(read(array_of(value), ColumnReading(type=type_name)), wanted)


@pytest.mark.parametrize(("value", "type_name", "wanted"), CASES)
def test_a_single_value(value, type_name, wanted):
    if type_name == "FLOAT" and isinstance(wanted, float):
        wanted = float(np.float32(wanted))
    assert same(read_single(value, ColumnReading(type=type_name)), wanted)


@pytest.mark.parametrize(("column", "type_name", "wanted"), ARRAY_CASES)
def test_a_column_of_another_arrow_type(column, type_name, wanted):
    if type_name == "FLOAT" and isinstance(wanted, float):
        wanted = float(np.float32(wanted))
    assert same(read(column, ColumnReading(type=type_name)), wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"b64": "NQ=="}, b"5"),
        ({"b64": "/wA="}, b"\xff\x00"),
        ({"b64": ""}, None),
        ({"b64": "!!"}, X),
        ({"b64": 5}, X),
        ({"b64": "NQ==", "more": 1}, X),
        ({}, X),
        ([1], X),
        ("\ud800", X),
        (10**400, b"1" + b"0" * 400),
    ],
)
def test_what_only_json_has(value, wanted):
    assert read_single(value, ColumnReading(type="BYTES")) == wanted


@pytest.mark.parametrize("value", [[1], {}, {"b64": "NQ=="}, "\ud800", 10**400])
@pytest.mark.parametrize("type_name", ["INT", "FLOAT"])
def test_what_is_no_number_in_json(value, type_name):
    assert read_single(value, ColumnReading(type=type_name)) == X


@pytest.mark.parametrize("type_name", TYPES)
def test_columns_of_many_values(type_name):
    how, reading = ColumnReading(type=type_name), Reading()
    texts = [value for value, *_ in VALUES if isinstance(value, str)] + [None]
    wanted = {value: entry[TYPES.index(type_name)] for value, *entry in VALUES}
    fitting = [text for text in texts if wanted[text] != X]
    column = pa.array(["9", *fitting, "9"]).slice(1, len(fitting))
    alone = [read(pa.array([text], pa.string()), how) for text in fitting]
    assert same(read_column(column, how, reading).to_pylist(), alone)
    encoded = column.dictionary_encode()
    assert same(read_column(encoded, how, reading).to_pylist(), alone)
    misfits = [place for place, text in enumerate(texts) if wanted[text] == X]
    assert unfit(pa.array(texts), how, reading) == misfits
    assert unfit(pa.array(texts).dictionary_encode(), how, reading) == misfits


def test_a_word_of_a_dictionary_that_no_row_has_need_not_fit():
    column = pa.array(["x", "5", None]).dictionary_encode().slice(1)
    result = read_column(column, ColumnReading(type="INT"), Reading())
    assert result.to_pylist() == [5, None]


def test_dictionaries_that_differ_between_chunks():
    chunks = [pa.array(["a", None, "7"]), pa.array(["b", "7", "a"])]
    how, wanted = ColumnReading(type="BYTES"), [b"a", None, b"7", b"b", b"7", b"a"]
    encoded = pa.chunked_array([chunk.dictionary_encode() for chunk in chunks])
    assert read_column(encoded, how, Reading()).to_pylist() == wanted
    with_null = pa.chunked_array([chunk.dictionary_encode("encode") for chunk in chunks])
    assert read_column(with_null, how, Reading()).to_pylist() == wanted


def test_bytes_that_are_no_text_among_text():
    column = pa.array([b"a", b" ", None, b"\xff", b"NA"])
    reading = Reading(missing=("NA",))
    result = read_column(column, ColumnReading(type="BYTES"), reading)
    assert result.to_pylist() == [b"a", None, None, b"\xff", None]
    assert unfit(pa.array([b"5", b"\xff"]), ColumnReading(type="INT"), reading) == [1]


def test_a_decimal_comma_is_that_of_text_from_any_source():
    reading = Reading(decimal=",")
    number = ColumnReading(type="FLOAT")
    assert read(pa.array(["-1,5e3"]), number, reading) == -1500.0
    assert read_single("-1,5e3", number, reading) == -1500.0
    assert read(pa.array([1.5]), number, reading) == read_single(1.5, number, reading) == 1.5
    assert read(pa.array(["1.234"]), number, reading) == X
    assert read_single("1.234", number, reading) == X
    whole = ColumnReading(type="INT")
    assert read(pa.array(["5,0"]), whole, reading) == read_single("5,0", whole, reading) == 5

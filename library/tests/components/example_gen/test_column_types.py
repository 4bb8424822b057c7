"""Values of files in the types of the schema: converted exactly, or refused one by one."""

import datetime
import decimal

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.components.example_gen.columns import column_types, convert, unfit
from tfxkit.errors import DataError

BEYOND_DOUBLE = 2**53 + 1


@pytest.mark.parametrize(
    ("values", "type_name", "expected"),
    [
        (["1", "-2", None, ""], "INT", [1, -2, None, None]),
        (["123.0", "4", "+5.", " 6 ", "1e3"], "INT", [123, 4, 5, 6, 1000]),
        ([f"{BEYOND_DOUBLE}.0", str(-(2**63))], "INT", [BEYOND_DOUBLE, -(2**63)]),
        ([str(BEYOND_DOUBLE), "7"], "INT", [BEYOND_DOUBLE, 7]),
        (["1.5", " 2 ", "", "-1e-3"], "FLOAT", [1.5, 2.0, None, pytest.approx(-1e-3)]),
        (["Zoë", "", " a "], "BYTES", ["Zoë".encode(), None, b" a "]),
        (pa.array([b"\xff\x00", b""]), "BYTES", [b"\xff\x00", None]),
        ([1.0, float("nan"), None], "INT", [1, None, None]),
        (pa.array([3], pa.uint8()), "INT", [3]),
        ([True, False], "INT", [1, 0]),
        ([decimal.Decimal("2.00")], "INT", [2]),
        ([decimal.Decimal("2.25")], "FLOAT", [2.25]),
        ([1, BEYOND_DOUBLE], "FLOAT", [1.0, float(2**53)]),
        ([60601, None], "BYTES", [b"60601", None]),
        ([60601.0, None], "BYTES", [b"60601", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), "BYTES", [b"a", b"b", b"a"]),
        (pa.array(["a"], pa.large_string()), "BYTES", [b"a"]),
        (pa.nulls(2), "FLOAT", [None, None]),
        ([], "INT", []),
    ],
)
def test_converts_exactly(values, type_name, expected):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    converted = convert(column, type_name)
    assert converted.to_pylist() == expected
    assert (
        converted.type
        == {"INT": pa.int64(), "FLOAT": pa.float32(), "BYTES": pa.binary()}[type_name]
    )


@pytest.mark.parametrize(
    ("values", "type_name", "misfits"),
    [
        (["1", "1.5", "2.0", "x", ""], "INT", [1, 3]),
        (["9223372036854775808", "1"], "INT", [0]),
        (["1", "1,5", "NA"], "FLOAT", [1, 2]),
        ([1.0, 1.5], "INT", [1]),
        (pa.array([2**63], pa.uint64()), "INT", [0]),
        ([1.5, 2.0], "BYTES", [0]),
    ],
)
def test_finds_each_value_that_does_not_fit(values, type_name, misfits):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    with pytest.raises(pa.ArrowInvalid):
        convert(column, type_name)
    assert unfit(column, type_name) == misfits


@pytest.mark.parametrize(
    "column", [pa.array([datetime.datetime(2013, 1, 1)]), pa.array([[1, 2]]), pa.array([{"a": 1}])]
)
def test_refuses_columns_that_are_neither_numbers_nor_text(column):
    with pytest.raises(pa.ArrowNotImplementedError, match="can be read as INT"):
        convert(column, "INT")


EVENING = datetime.datetime(2024, 2, 29, 18, 30)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([datetime.date(2024, 2, 29), None]), b"2024-02-29"),
        (pa.array([datetime.date(2024, 2, 29), None], pa.date64()), b"2024-02-29"),
        (
            pa.array([EVENING, None], pa.timestamp("s")),
            b"2024-02-29 18:30:00",
        ),
        (
            pa.array([EVENING, None], pa.timestamp("ms", "UTC")).cast(
                pa.timestamp("ms", "Europe/Berlin")
            ),
            b"2024-02-29 18:30:00.000",
        ),
    ],
)
def test_dates_and_times_are_iso_8601_in_utc_as_text(column, text):
    assert convert(column, "BYTES").to_pylist() == [text, None]


def test_takes_only_the_types_from_the_schema(small_schema):
    assert column_types(small_schema) == {"count": "INT", "name": "BYTES", "price": "FLOAT"}
    loosened = schema_pb2.Schema()
    loosened.CopyFrom(small_schema)
    loosened.feature[0].int_domain.max = 7
    assert column_types(loosened) == column_types(small_schema)


def test_names_the_feature_that_no_column_can_hold():
    schema = text_format.Parse('feature { name: "path" type: STRUCT }', schema_pb2.Schema())
    with pytest.raises(DataError, match=r"path the type STRUCT.*configs/schema\.pbtxt"):
        column_types(schema)

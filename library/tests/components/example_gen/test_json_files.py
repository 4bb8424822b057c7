"""JSON lines are read like the rows of any other file."""

import gzip
import json

import pandas
import pyarrow as pa
import pytest
import zstandard

from tests.components.example_gen.conftest import read_table, reading_of
from tfxkit.components.example_gen import tables
from tfxkit.errors import DataError
from tfxkit.values.reading import Reading

ROWS = [
    {"count": 1, "price": 1.5, "name": b"a"},
    {"count": None, "price": None, "name": None},
    {"count": 3, "price": 2.0, "name": b"c"},
]
GOOD = """{"count": 1, "price": 1.5, "name": "a"}
{"name": null}
{"price": 2, "count": 3.0, "name": "c"}"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", GOOD.encode()),
        ("a.ndjson", GOOD.encode()),
        ("a.jsonl", GOOD.encode("utf-8-sig").replace(b"\n", b"\r\n\r\n") + b"\n \n"),
        ("a.jsonl.gz", gzip.compress(GOOD.encode())),
        ("a.ndjson.zst", zstandard.compress(GOOD.encode())),
    ],
)
def test_objects_are_rows(write, small_schema, name, content):
    table = read_table(write(name, content), small_schema)
    assert table.to_pylist() == ROWS
    assert table.schema.types == [pa.int64(), pa.float32(), pa.binary()]


def test_rows_of_a_data_frame_are_those_of_its_csv_file(write, small_schema):
    frame = pandas.DataFrame(
        {
            "count": [2**53 + 1, -1, 0],
            "price": [1.1, None, 1e22],
            "name": ['a "b"', "é\n\u2028x", None],
        }
    )
    csv = read_table(write("a.csv", frame.to_csv(index=False)), small_schema)
    lines = frame.to_json(orient="records", lines=True, double_precision=15)
    assert read_table(write("a.jsonl", lines), small_schema) == csv


@pytest.mark.parametrize(
    ("type_name", "values", "expected"),
    [
        ("INT", ['"5"', "5.0", '"5.0"', '" 5 "', "5e0", "true"], [5, 5, 5, 5, 5, 1]),
        ("INT", ["5", "5.0", "null", "NaN"], [5, 5, None, None]),
        ("INT", ["9007199254740993", "1.0"], [2**53 + 1, 1]),
        ("FLOAT", ["1", "1.5", "Infinity", "-Infinity"], [1.0, 1.5, float("inf"), -float("inf")]),
        ("FLOAT", ["1", '"1.5"', "false", '""'], [1.0, 1.5, 0.0, None]),
        ("BYTES", ["5", "5.0", '"5.0"', '"x"'], [b"5", b"5", b"5.0", b"x"]),
        ("BYTES", ["1", "2.5", '""', '" "', "null"], [b"1", b"2.5", None, None, None]),
        ("BYTES", ["18446744073709551616", "1"], [b"18446744073709551616", b"1"]),
        ("BYTES", ["true", "false", "null"], [b"True", b"False", None]),
        ("BYTES", ['"true"', "true"], [b"true", b"True"]),
    ],
)
def test_values_of_any_type_are_read_by_the_same_rules(write, type_name, values, expected):
    path = write("a.jsonl", "".join(f'{{"x": {value}, "y": 1}}\n' for value in values))
    batches = tables.read_batches(path, reading_of({"x": type_name}))
    assert [value for batch in batches for value in batch["x"].to_pylist()] == expected


def test_truth_values_have_the_spelling_of_the_domain(write):
    column = {"type": "BYTES", "truth": ("no", "yes")}
    reading = Reading.model_validate({"columns": {"member": column}})
    path = write("a.jsonl", '{"member": true}\n{"member": false}\n')
    [batch] = tables.read_batches(path, reading)
    assert batch["member"].to_pylist() == [b"yes", b"no"]


def test_keys_that_appear_late_are_columns(write, small_schema):
    rows = '{"count": 1}\n' * 60_000 + '{"count": 2, "name": "b", "other": 1.5}\n'
    path = write("a.jsonl", rows)
    assert tables.column_names(path, ["count"]) == ["count", "name", "other"]
    table = read_table(path, small_schema)
    assert table["name"].null_count == 60_000
    assert table.slice(60_000).to_pylist() == [{"count": 2, "name": b"b"}]
    raw = pa.Table.from_batches(tables.read_raw_batches(path, ["count"]))
    assert raw.slice(60_000).to_pylist() == [{"count": "2", "name": "b", "other": "1.5"}]


def test_nested_values_are_kept_as_text_and_refused_as_values(write, small_schema):
    path = write("a.jsonl", '{"count": 1, "geo": {"lat": 1}, "tags": ["é", 2]}\n{"count": 2}\n')
    assert [row["count"] for row in read_table(path, small_schema).to_pylist()] == [1, 2]
    [raw] = tables.read_raw_batches(path, ["count"])
    assert raw.to_pylist() == [
        {"count": "1", "geo": '{"lat": 1}', "tags": '["é", 2]'},
        {"count": "2", "geo": None, "tags": None},
    ]
    assert tables.guess_types(path, reading_of({"count": "INT"})) == {}
    with pytest.raises(DataError, match=r"geo is struct.* cannot be read as BYTES"):
        list(tables.read_batches(path, reading_of({"geo": "BYTES"})))


def test_types_of_unknown_columns(write):
    rows = [{"count": 1, "a": 1, "b": 1.5, "c": "x", "d": True, "e": 1, "f": None}]
    rows += [{"count": 1, "a": 2.0, "b": 2, "c": 1, "d": None, "e": "2"}]
    path = write("a.jsonl", "\n".join(map(json.dumps, rows)))
    guessed = tables.guess_types(path, reading_of({"count": "INT"}))
    assert guessed == {"a": "INT", "b": "FLOAT", "c": "BYTES", "d": "BYTES", "e": "INT"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"count": 1},\n{"count": 2}]', "line 1: .* Write one JSON object a line"),
        ('[{"count": 1}, {"count": 2}]', r"line 1 is a JSON array. Write one object a line"),
        ('{"count": 1}\n\n{"count": 2\n', "line 3: "),
        ('{"count": 1}\n7\n', "line 2 is '7.n', and no JSON object"),
        ('{\n"count": 1\n}\n', "line 1: "),
        ('{"count": 1}\n{"count": "\\ud800"}\n', "line 2: count has half of a character"),
        (b'{"count": 1}\n{"name": "\xff"}\n', "line 2: "),
        ("\n", "it has no JSON objects"),
        ('{"count": 1}\n\n{"count": 1.5}\n', "count is INT, but line 3 has 1.5"),
        ('{"other": 1}\n', "Is it the file of another table"),
        ('{"": 1, "x": 1, "": 2, "count": 3, "name": 1, "y": 2, " ": 1}\n{"z": [NaN}', "line 2: "),
    ],
)
def test_an_error_has_its_line(write, small_schema, content, message):
    path = write("a.jsonl", content)
    with pytest.raises(DataError, match=f"(?s){message}"):
        read_table(path, small_schema)


def test_a_damaged_file_is_refused(write, small_schema):
    path = write("a.jsonl.gz", gzip.compress(GOOD.encode() * 9)[:-9])
    with pytest.raises(DataError, match="cannot be read as JSON lines"):
        read_table(path, small_schema)

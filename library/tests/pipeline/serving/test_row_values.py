"""Values of rows in JSON are read like those of the files that a model was trained on."""

import json
import math

import pyarrow as pa
import pytest
import tensorflow as tf

from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.config.data import NumberFormat
from tfxkit.serving.model import RowEncoder, ServingError
from tfxkit.values.columns import read_column
from tfxkit.values.reading import ColumnReading, Reading

EXACT = 2**53 + 1
COLUMNS = {
    "member": ColumnReading(type="BYTES", truth=("no", "yes")),
    "flag": ColumnReading(type="BYTES", truth=("False", "True")),
    "code": ColumnReading(type="INT"),
    "word": ColumnReading(type="BYTES"),
    "price": ColumnReading(type="FLOAT", parse=NumberFormat(prefix="$", thousands=",")),
}
READING = Reading(columns=COLUMNS, missing=("NA",))


def features(example):
    return tf.train.Example.FromString(example).features


def encode(rows, reading=READING):
    rows = json.loads(json.dumps(rows))
    encoder = RowEncoder(reading, list(rows[0]))
    return [features(one) for one in encoder.encode(encoder.read(rows))]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("member", [True, False, None]),
        ("member", ["yes", "Yes", " ", "NA", "\u00a0"]),
        ("flag", [True, False]),
        ("flag", ["TRUE", "false ", "maybe"]),
        ("code", ["5", " 5.0 ", "5e0", "", "NA", "True"]),
        ("code", [EXACT, -(2**63), 5]),
        ("code", [5.0, math.nan]),
        ("word", [5, EXACT]),
        ("word", [5.0, 1.5, 1e22, math.nan]),
        ("word", ["a ", "\u200b", "na"]),
        ("price", ["$1,234.50", "-$660", "NA"]),
        ("price", [1.5, -0.0, math.nan, math.inf]),
    ],
)
def test_a_row_gives_the_example_of_the_same_row_in_a_file(name, values):
    column = read_column(pa.array(values), COLUMNS[name], READING)
    rows = encode_batch(pa.RecordBatch.from_arrays([column], [name])).to_pylist()
    assert encode([{name: value} for value in values]) == [features(row) for row in rows]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("code", 1.5, "'code' must be a whole number or null, not 1.5"),
        ("code", "0x1F", "'code' must be a whole number or null, not '0x1F'"),
        ("code", {"b64": "NQ=="}, "'code' must be a whole number or null, not {"),
        ("price", "7", "'price' must be a number or null, not '7'"),
        ("word", [5], "'word' must be a text or null, not [5]"),
        ("word", math.inf, "'word' must be a text or null, not inf"),
        ("word", {"b64": "!!"}, "'word' must be a text or null, not {"),
    ],
)
def test_a_value_that_does_not_fit_is_named(name, value, problem):
    with pytest.raises(ServingError) as caught:
        encode([{name: value}])
    assert str(caught.value).startswith(f"Example 0: {problem}")


def test_a_model_of_before_readings_keeps_blanks_and_words():
    old = READING.model_copy(update={"rules": 1})
    words = [
        one.feature["word"].bytes_list.value for one in encode([{"word": " "}, {"word": "NA"}], old)
    ]
    assert words == [[b" "], [b"NA"]]
    assert "word" not in encode([{"word": ""}], old)[0].feature

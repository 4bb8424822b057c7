"""Truth values have the spelling of the schema's domain, from any source."""

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.data import ColumnFormat, CsvFormat, NumberFormat
from tfxkit.errors import DataError
from tfxkit.values.columns import read_column
from tfxkit.values.reading import ColumnReading, Reading, truth_words
from tfxkit.values.scalars import value_reader

SCHEMA = """
feature { name: "member" type: BYTES domain: "member" }
feature { name: "answer" type: BYTES string_domain { value: "yes" value: "no" } }
feature { name: "colour" type: BYTES string_domain { value: "true" value: "red" value: "false" } }
feature { name: "amount" type: FLOAT }
feature { name: "age" type: INT }
string_domain { name: "member" value: "True" value: "False" }
"""


def schema(text=SCHEMA):
    return text_format.Parse(text, schema_pb2.Schema())


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (["True", "False"], ("False", "True")),
        (["false", "true"], ("false", "true")),
        (["FALSE", "TRUE"], ("FALSE", "TRUE")),
        (["T", "F"], ("F", "T")),
        (["Yes", "No"], ("No", "Yes")),
        (["y", "n"], ("n", "y")),
        (["on", "off"], ("off", "on")),
        (["1", "0"], ("0", "1")),
        (["true", "yes"], None),
        (["true"], None),
        (["true", "false", "unknown"], None),
        (["True", "true"], None),
        (["ja", "nein"], None),
        ([], None),
    ],
)
def test_words_for_false_and_true(domain, words):
    assert truth_words(domain) == words


def test_a_reading_of_a_schema():
    columns = {
        "amount": ColumnFormat(parse=NumberFormat(prefix="$")),
        "answer": ColumnFormat(missing=("-",)),
        "absent": ColumnFormat(missing=()),
    }
    reading = Reading.of(schema(), CsvFormat(missing=("NA",), decimal=","), columns)
    assert list(reading.columns) == ["age", "amount", "answer", "colour", "member"]
    assert reading.columns["age"] == ColumnReading(type="INT")
    assert reading.columns["amount"] == ColumnReading(type="FLOAT", parse=NumberFormat(prefix="$"))
    answer = ColumnReading(type="BYTES", truth=("no", "yes"), missing=("-",))
    assert reading.columns["answer"] == answer
    assert reading.columns["colour"].truth is None
    assert reading.columns["member"].truth == ("False", "True")
    assert (reading.rules, reading.missing, reading.decimal) == (2, ("NA",), ",")


def test_a_reading_travels_as_json():
    columns = {"amount": ColumnFormat(parse=NumberFormat(prefix="€", negative="parentheses"))}
    reading = Reading.of(schema(), CsvFormat(missing=("NA", "?")), columns)
    assert Reading.model_validate_json(reading.model_dump_json()) == reading


def test_a_type_that_no_column_can_have_is_refused():
    with pytest.raises(DataError, match="gives point the type STRUCT"):
        Reading.of(schema('feature { name: "point" type: STRUCT }'))


def test_thousands_and_decimal_sign_must_differ():
    columns = {"amount": ColumnFormat(parse=NumberFormat(thousands=","))}
    with pytest.raises(ValueError, match=r"data\.columns\.amount\.parse"):
        Reading.of(schema(), CsvFormat(decimal=","), columns)


@pytest.mark.parametrize(
    ("truth", "value", "wanted"),
    [
        (("False", "True"), True, b"True"),
        (("False", "True"), "true", b"True"),
        (("False", "True"), "TRUE ", b"True"),
        (("false", "true"), " False", b"false"),
        (("False", "True"), "T", b"T"),
        (("False", "True"), "1", b"1"),
        (("False", "True"), "yes", b"yes"),
        (("False", "True"), "\u200b", None),
        (("False", "True"), None, None),
        (("no", "yes"), True, b"yes"),
        (("no", "yes"), False, b"no"),
        (("no", "yes"), "Yes", b"Yes"),
        (("no", "yes"), "true", b"true"),
        (("0", "1"), True, b"1"),
        (("F", "T"), False, b"F"),
        (None, True, b"True"),
        (None, "TRUE", b"TRUE"),
    ],
)
def test_spelling(truth, value, wanted):
    how, reading = ColumnReading(type="BYTES", truth=truth), Reading()
    assert read_column(pa.array([value]), how, reading).to_pylist() == [wanted]
    assert value_reader(how, reading)(value) == wanted
    if isinstance(value, str):
        dictionary = pa.array([value]).dictionary_encode()
        assert read_column(dictionary, how, reading).to_pylist() == [wanted]
        assert read_column(pa.array([value.encode()]), how, reading).to_pylist() == [wanted]
        assert value_reader(how, reading)(value.encode()) == wanted


def test_an_older_model_takes_the_words_of_its_domain():
    how = ColumnReading(type="BYTES", truth=("False", "True"))
    reading = Reading(rules=1)
    assert read_column(pa.array([True, None]), how, reading).to_pylist() == [b"True", None]
    assert value_reader(how, reading)(False) == b"False"

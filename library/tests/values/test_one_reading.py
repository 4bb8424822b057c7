"""One reading: columns and single values, pandas and pyarrow, CSV, Parquet and JSON."""

import csv
import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfxkit.config.data import NumberFormat
from tfxkit.values.columns import read_column
from tfxkit.values.inference import infer
from tfxkit.values.number_forms import DecimalSign
from tfxkit.values.reading import ColumnReading, Reading
from tfxkit.values.scalars import value_reader

REFUSED = "refused"
thorough = settings(max_examples=300, deadline=None, derandomize=True)
tables = settings(max_examples=60, deadline=None, derandomize=True)

# Text that is nearly a number, a truth value or a word for a missing one.
near_numbers = st.text(
    "0123456789+-.,eExXnNaAiIfFtTrRuUlLsS _$%()'\xa0\u200b\u2212\uff15", max_size=9
)
written_numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.floats(width=32).map(str),
    st.builds("{}{}.{}".format, st.sampled_from(["", "+", "-"]), st.integers(0), st.integers(0)),
    st.builds("{}e{}".format, st.integers(-(10**6), 10**6), st.integers(-400, 400)),
)
words = st.sampled_from(
    ["NA", " NA", "true", "FALSE ", "nan", "-inf", "Infinity", "$5", "5 %", "(5)"]
)
texts = st.one_of(
    near_numbers,
    written_numbers,
    words,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    texts,
    texts.map(str.encode),
    st.binary(max_size=4),
)
formats = st.builds(
    NumberFormat,
    thousands=st.sampled_from(["", "'", " "]),
    prefix=st.sampled_from(["", "$", "("]),
    suffix=st.sampled_from(["", "%", " %"]),
    negative=st.sampled_from(["minus", "parentheses", "trailing"]),
)
columns = st.builds(
    ColumnReading,
    type=st.sampled_from(["INT", "FLOAT", "BYTES"]),
    truth=st.sampled_from([None, ("False", "True"), ("no", "yes")]),
    missing=st.sampled_from([None, (), ("5",)]),
    parse=st.none() | formats,
)
readings = st.builds(
    Reading,
    rules=st.sampled_from([1, 2]),
    missing=st.sampled_from([(), ("NA", "-")]),
    decimal=st.sampled_from([".", ","]),
)


def from_column(value, how, reading):
    unsigned = type(value) is int and value >= 2**63
    try:
        result = read_column(pa.array([value], pa.uint64() if unsigned else None), how, reading)
    except pa.ArrowInvalid:
        return REFUSED
    return result[0].as_py()


def single(value, how, reading):
    try:
        return value_reader(how, reading)(value)
    except ValueError:
        return REFUSED


@thorough
@given(value=values, how=columns, reading=readings)
def test_a_single_value_is_read_like_a_column(value, how, reading):
    assert repr(single(value, how, reading)) == repr(from_column(value, how, reading))


@thorough
@given(value=texts, how=columns.filter(lambda how: how.parse is None), reading=readings)
def test_a_text_is_read_like_a_column(value, how, reading):
    assert repr(single(value, how, reading)) == repr(from_column(value, how, reading))


@thorough
@given(rows=st.lists(texts | st.none(), max_size=12), how=columns, reading=readings)
def test_a_value_is_read_the_same_in_any_company(rows, how, reading):
    alone = [single(value, how, reading) for value in rows]
    fitting = pa.array(
        [v for v, read in zip(rows, alone, strict=True) if read != REFUSED], pa.string()
    )
    wanted = [value for value in alone if value != REFUSED]
    for column in (
        fitting,
        fitting.cast(pa.large_string()),
        fitting.cast(pa.binary()),
        fitting.dictionary_encode(),
        pa.chunked_array([fitting.slice(0, 1), fitting.slice(1)]),
    ):
        assert repr(read_column(column, how, reading).to_pylist()) == repr(wanted)


@thorough
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_pandas_and_json_write_floats_that_are_read_as_they_are(value):
    how = ColumnReading(type="FLOAT")
    wanted = from_column(value, how, Reading())
    for text in (pd.Series([value]).to_csv(index=False, header=False).strip(), json.dumps(value)):
        assert repr(from_column(text, how, Reading())) == repr(wanted)


# Columns of a table, as a data frame has them.
blank = st.sampled_from(["", " ", "\xa0", "\u200b"])
letters = st.text("ab'\",;\n\té\xa0 \\", max_size=6)
KINDS = {
    "whole": st.integers(-(2**63), 2**63 - 1),
    "gaps": st.none() | st.integers(-(2**53), 2**53).map(float),
    "fractions": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "truth": st.none() | st.booleans(),
    "text": letters,
    "colours": st.sampled_from(["red", "green", "blue"]),
    "dates": st.dates().map(str),
}


@st.composite
def frames(draw):
    rows = draw(st.integers(1, 12))
    return pd.DataFrame(
        {
            name: pd.Series(
                draw(st.lists(kind, min_size=rows, max_size=rows)),
                dtype={"whole": "int64", "gaps": "float64", "fractions": "float64"}.get(
                    name, object
                ),
            )
            for name, kind in KINDS.items()
        }
    )


def read_csv(data, delimiter):
    """All columns as text, as ExampleGen has them; empty text is null."""
    return pyarrow.csv.read_csv(
        io.BytesIO(data),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() for name in KINDS},
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def parquet(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def json_columns(frame):
    """Columns of JSON objects, one a row."""
    rows = json.loads(frame.to_json(orient="records", double_precision=15))
    return {name: [row[name] for row in rows] for name in KINDS}


CSV_DIALECTS = {
    "comma": {"sep": ","},
    "semicolon": {"sep": ";", "decimal": ","},
    "tab": {"sep": "\t"},
    "quoted": {"sep": ",", "quoting": csv.QUOTE_ALL},
}


@pytest.mark.parametrize("dialect", CSV_DIALECTS)
@tables
@given(frame=frames())
def test_a_frame_is_read_the_same_from_csv_and_parquet(dialect, frame):
    options = CSV_DIALECTS[dialect]
    decimal = options.get("decimal", ".")
    reading = Reading(decimal=decimal)
    written = read_csv(frame.to_csv(index=False, **options).encode(), options["sep"])
    stored = parquet(frame)
    for name in KINDS:
        inferred = infer(stored[name])
        if inferred.reading is None:  # no value at all
            assert infer(written[name]).reading is None
            continue
        from_text = infer(written[name], DecimalSign(decimal, certain=True))
        assert from_text.reading.type == inferred.reading.type, name
        assert from_text.reading.truth == inferred.reading.truth, name
        wanted = read_column(stored[name], inferred.reading, reading).to_pylist()
        assert repr(read_column(written[name], inferred.reading, reading).to_pylist()) == repr(
            wanted
        )


@tables
@given(frame=frames())
def test_a_frame_is_read_the_same_from_parquet_and_json(frame):
    stored, rows = (
        parquet(frame),
        json_columns(frame[[*KINDS]].drop(columns="fractions").assign(fractions=0.5)),
    )
    for name in set(KINDS) - {"fractions"}:  # pandas writes at most 15 digits of a fraction
        reading = infer(stored[name]).reading
        if reading:
            read = value_reader(reading, Reading())
            wanted = read_column(stored[name], reading, Reading()).to_pylist()
            assert [read(value) for value in rows[name]] == wanted


@tables
@given(frame=frames())
def test_pandas_agrees_on_whole_numbers_and_missing_values(frame):
    stored = parquet(frame)
    whole = read_column(stored["whole"], ColumnReading(type="INT"), Reading())
    assert whole.to_pylist() == frame["whole"].tolist()
    gaps = read_column(stored["gaps"], ColumnReading(type="INT"), Reading())
    assert gaps.is_null().to_pylist() == frame["gaps"].isna().tolist()
    assert gaps.drop_null().to_pylist() == frame["gaps"].dropna().astype("int64").tolist()
    truth = read_column(stored["truth"], ColumnReading(type="BYTES"), Reading())
    assert truth.is_null().to_pylist() == frame["truth"].isna().tolist()
    text = read_column(stored["text"], ColumnReading(type="BYTES"), Reading())
    blank_text = [not value.strip() for value in frame["text"]]  # NBSP is white space to Python
    assert text.is_null().to_pylist() == blank_text

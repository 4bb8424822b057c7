"""One reading: columns and single values, pandas and pyarrow, CSV, Parquet and JSON."""

import csv
import json
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.tables import read_batches
from tfxkit.config.data import CsvFormat, NumberFormat
from tfxkit.onboarding.profile import profile_columns
from tfxkit.onboarding.source import find_source
from tfxkit.onboarding.table import read_table
from tfxkit.serving.model import RowEncoder
from tfxkit.values.columns import read_column
from tfxkit.values.inference import infer
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
    "text": st.none() | letters | blank,
    "colours": st.sampled_from(["red", "green", "blue"]),
    "dates": st.dates().map(str),
}


@st.composite
def frames(draw, least=1):
    rows = draw(st.integers(least, 12))
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


def typed(path, reading, csv_format):
    """Columns of a file as ExampleGen and `predict` have them, and their tf.Examples."""
    batches = list(read_batches(str(path), reading, csv_format))
    examples = [example for batch in batches for example in encode_batch(batch).to_pylist()]
    table = pa.Table.from_batches(batches)
    return {name: table[name].to_pylist() for name in sorted(table.column_names)}, examples


def write_with_pandas(frame, folder):
    """The files that pandas writes of a frame, in several dialects, with their formats."""
    dialects = {
        "comma": ({}, {}),
        "semicolon": ({"sep": ";", "decimal": ","}, {"delimiter": ";", "decimal": ","}),
        "tab": ({"sep": "\t"}, {"delimiter": "\t"}),
        "quoted": ({"quoting": csv.QUOTE_ALL}, {}),
        "apostrophes": ({"quotechar": "'"}, {"quote": "'"}),
        "cp1252": ({"encoding": "cp1252"}, {"encoding": "cp1252"}),
        "utf-16": ({"encoding": "utf-16"}, {"encoding": "utf-16"}),
    }
    for name, (options, keys) in dialects.items():
        path = folder / f"{name}.csv"
        try:
            frame.to_csv(path, index=False, **options)
        except UnicodeEncodeError:  # cp1252 has no zero width space
            continue
        yield path, CsvFormat(**keys)
    frame.to_parquet(folder / "pandas.parquet", index=False)
    yield folder / "pandas.parquet", CsvFormat()


def write_with_pyarrow(frame, folder):
    """The files that pyarrow writes of a frame, with types that only Arrow has."""
    table = stored(frame)
    pyarrow.csv.write_csv(table, folder / "pyarrow.csv")
    yield folder / "pyarrow.csv", CsvFormat()
    pyarrow.parquet.write_table(table, folder / "pyarrow.parquet", row_group_size=3)
    yield folder / "pyarrow.parquet", CsvFormat()
    exotic = {name: table[name] for name in table.column_names}
    exotic["text"] = exotic["text"].cast(pa.large_string())
    exotic["colours"] = exotic["colours"].combine_chunks().dictionary_encode()
    exotic["dates"] = exotic["dates"].cast(pa.date32())
    pyarrow.parquet.write_table(pa.table(exotic), folder / "exotic.parquet", row_group_size=2)
    yield folder / "exotic.parquet", CsvFormat()


def stored(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def inferred_by_init(path):
    """CSV format, and type and truth words of each column with a value, as `init` infers them."""
    table = read_table(find_source([path]))
    profiles = profile_columns(table.columns, table.decimal)
    readings = {name: each.inferred.reading for name, each in profiles.items()}
    return table.csv_format, {
        name: (reading.type, reading.truth) for name, reading in readings.items() if reading
    }


def with_plain_text(frame):
    """A frame whose text `init` cannot take for another dialect."""
    return frame.assign(text=[f"a{place}" for place in range(len(frame))])


@tables
@given(frame=frames())
def test_a_frame_is_read_the_same_from_each_file_and_from_json(frame):
    table = stored(frame)
    readings = {name: infer(table[name]).reading for name in KINDS}
    columns = {name: reading for name, reading in sorted(readings.items()) if reading}
    reading = Reading(columns=columns)
    wanted = {
        name: read_column(table[name], columns[name], reading).to_pylist() for name in columns
    }
    expected = None
    with tempfile.TemporaryDirectory() as folder:
        for write in (write_with_pandas, write_with_pyarrow):
            for path, csv_format in write(frame, Path(folder)):
                how = reading.model_copy(update={"decimal": csv_format.decimal})
                values, examples = typed(path, how, csv_format)
                assert repr(values) == repr(wanted), path.name
                expected = expected or examples
                assert examples == expected, path.name
    encoder = RowEncoder(reading, list(columns))
    rows = json.loads(json.dumps(as_json(frame)))
    parse = tf.train.Example.FromString
    assert [parse(row) for row in encoder.encode(encoder.read(rows))] == list(map(parse, expected))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(frame=frames(least=3).map(with_plain_text))
def test_init_infers_the_same_from_each_file(frame):
    with tempfile.TemporaryDirectory() as folder:
        inferred = {}
        for write in (write_with_pandas, write_with_pyarrow):
            for path, csv_format in write(frame, Path(folder)):
                detected, inferred[path.name] = inferred_by_init(path)
                if detected:
                    assert detected.delimiter == csv_format.delimiter, path.name
        wanted = inferred["pandas.parquet"]
        assert all(each == wanted for each in inferred.values()), inferred


def as_json(frame):
    """Rows as a client sends them; a gap is null."""
    rows = stored(frame).to_pylist()
    return [{n: None if v != v else v for n, v in row.items()} for row in rows]  # noqa: PLR0124


@tables
@given(frame=frames())
def test_pandas_agrees_on_whole_numbers_and_missing_values(frame):
    table = stored(frame)
    whole = read_column(table["whole"], ColumnReading(type="INT"), Reading())
    assert whole.to_pylist() == frame["whole"].tolist()
    gaps = read_column(table["gaps"], ColumnReading(type="INT"), Reading())
    assert gaps.is_null().to_pylist() == frame["gaps"].isna().tolist()
    assert gaps.drop_null().to_pylist() == frame["gaps"].dropna().astype("int64").tolist()
    truth = read_column(table["truth"], ColumnReading(type="BYTES"), Reading())
    assert truth.is_null().to_pylist() == frame["truth"].isna().tolist()
    text = read_column(table["text"], ColumnReading(type="BYTES"), Reading())
    # NBSP is white space to Python, a zero width space is not.
    blank_text = [not (value or "").strip().strip("\u200b") for value in frame["text"]]
    assert text.is_null().to_pylist() == blank_text

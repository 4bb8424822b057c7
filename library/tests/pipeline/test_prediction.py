"""Columns that a file needs before a model predicts for it; no cell that a spreadsheet runs."""

import csv
import datetime
import io
import json
import uuid

import pyarrow as pa
import pyarrow.parquet
import pytest
import tensorflow as tf

from tfxkit.errors import DataError
from tfxkit.runs.prediction import harmless, predict
from tfxkit.storage import served_model

DATASET = {
    "task": "binary",
    "label": {"column": "tips", "times": "fare", "greater_than": 0.2},
    "columns": {
        "fare": {"role": "numeric"},
        "payment_type": {"role": "categorical"},
        "hour": {"role": "numeric"},
        "note": {"role": "ignored"},
    },
}


def test_columns_that_the_model_needs_are_asked_for_by_name(tmp_path):
    (tmp_path / served_model.EXTRA).mkdir()
    names = [*DATASET["columns"], "tips"]
    schema = "".join(f'feature {{ name: "{name}" type: FLOAT }}\n' for name in names)
    (tmp_path / served_model.SCHEMA).write_text(schema)
    (tmp_path / served_model.CONFIG).write_text(json.dumps({"dataset": DATASET}))
    file = tmp_path / "trips.csv"
    file.write_text("hour\n1\n")
    # Neither the tips, which only the label needs, nor the note, which is ignored.
    with pytest.raises(DataError, match=r"trips\.csv lacks .* needs: fare, payment_type\."):
        predict(str(file), str(tmp_path), io.BytesIO())


class Constant(tf.Module):
    """A model that gives each row the same probability."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serve(self, examples):
        return {"probability": tf.fill([tf.size(examples), 1], 0.25)}


def test_columns_of_types_that_csv_lacks_are_written_as_text(tmp_path):
    model = Constant()
    tf.saved_model.save(model, str(tmp_path), {"serving_default": model.serve})
    (tmp_path / served_model.EXTRA).mkdir()
    types = {"fare": "FLOAT", "payment_type": "BYTES", "hour": "INT", "note": "BYTES"}
    schema = "".join(f'feature {{ name: "{name}" type: {t} }}\n' for name, t in types.items())
    (tmp_path / served_model.SCHEMA).write_text(schema)
    (tmp_path / served_model.CONFIG).write_text(json.dumps({"dataset": DATASET}))
    columns = {
        "fare": pa.array([1.5, None]),
        "payment_type": pa.array(["=1+1", None]).dictionary_encode(),
        "hour": pa.array([5, 6], pa.uint64()),
        "words": pa.array([b"=2", b"b"]),
        "hash": pa.array([b"\xff\x00", None]),
        "id": pa.array([uuid.UUID(int=5).bytes, None], pa.uuid()),
        "place": pa.array([{"day": datetime.date(2024, 2, 29)}, None]),
        "tags": pa.array([["a", None], []]),
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "rows.parquet")
    output = io.BytesIO()
    assert predict(str(tmp_path / "rows.parquet"), str(tmp_path), output) == 2
    rows = list(csv.DictReader(io.StringIO(output.getvalue().decode())))
    assert rows == [
        {
            "fare": "1.5",
            "payment_type": "'=1+1",
            "hour": "5",
            "words": "'=2",
            "hash": "ff00",
            "id": str(uuid.UUID(int=5)),
            "place": '{"day": "2024-02-29"}',
            "tags": '["a", null]',
            "probability": "0.25",
        },
        {
            **dict.fromkeys(("fare", "payment_type", "hash", "id", "place"), ""),
            "hour": "6",
            "words": "b",
            "tags": "[]",
            "probability": "0.25",
        },
    ]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(1)\nx"]
)
def test_a_formula_gets_an_apostrophe(text, kind):
    table = harmless(pa.table({"a": pa.array([text, "plain", None], kind)}))
    assert table.column("a").to_pylist() == ["'" + text, "plain", None]
    assert table.schema.field("a").type == kind


@pytest.mark.parametrize("text", ["-1", "-", "+1.5", "-1e-7", "-1,5", "a=b", "", " =1", "'=1"])
def test_numbers_and_other_texts_stay(text):
    table = pa.table({"a": [text], "b": [-1.5]})
    assert harmless(table).equals(table)


def test_names_of_columns_as_well():
    table = pa.table({"=cmd()": [1], "-1": [2], "fare": [3]})
    assert harmless(table).column_names == ["'=cmd()", "-1", "fare"]

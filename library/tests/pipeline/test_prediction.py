"""Columns that a file needs before a model predicts for it; no cell that a spreadsheet runs."""

import io
import json

import pyarrow as pa
import pytest

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

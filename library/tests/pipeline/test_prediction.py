"""What a file must have before a model predicts for it."""

import io
import json

import pytest

from tfxkit.errors import DataError
from tfxkit.runs.prediction import predict
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

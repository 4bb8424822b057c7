"""The server of the foreign project: own features and an own network, asked with raw rows."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.foreign.test_foreign_features import ask, rows_of
from tests.project_with_runs import NAME
from tests.runs.test_serve import serving

pytestmark = pytest.mark.slow


def as_json(row: tf.train.Example, columns: set[str]) -> dict[str, float | str | None]:
    """A row as a client sends it, who has no label yet."""
    found: dict[str, float | str | None] = dict.fromkeys(columns)
    for name, feature in row.features.feature.items():
        [value] = getattr(feature, feature.WhichOneof("kind")).value
        found[name] = value.decode() if isinstance(value, bytes) else value
    del found["tips"]
    return found


def test_it_answers_as_the_exported_model_does(foreign, tmp_path):
    version = foreign.latest().pushed_path
    examples = rows_of(foreign, "eval")[:50]
    columns = {name for row in examples for name in row.features.feature}
    rows = [as_json(row, columns | {"pickup_census_tract"}) for row in examples]
    expected = ask(tf.saved_model.load(version), "serving_default", examples)["probability"]

    folder, screen = foreign.outputs.serving, tmp_path / "screen"
    with serving(foreign.selection, folder, screen, foreign.root) as server:
        status, answer = server.post(f"{NAME}:predict", {"examples": rows})
        assert status == 200, answer
        np.testing.assert_allclose(answer["predictions"], expected, atol=1e-6)

        for row in rows:  # ignored in dataset.yaml, but a feature is made from it
            del row["pickup_census_tract"]
        status, answer = server.post(f"{NAME}:predict", {"examples": rows})
        assert status == 400
        assert "lacks columns that the model needs: pickup_census_tract" in answer["error"]

"""From year to year the sample raises no false alarm."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.components.gate_run import read_schema, run_gate
from tests.data.shipped_sample import CONFIGS, DATA
from tfxkit.config import loading as config


def span(number):
    [file] = (DATA / f"span-{number}").glob("*.csv")
    return pd.read_csv(file)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_year_passes_the_bounds_on_drift_from_the_year_before(number, tmp_path):
    validation = config.load(CONFIGS).dataset.validation
    schema = read_schema(CONFIGS / "schema.pbtxt")
    report = run_gate(tmp_path, span(number), span(number - 1), validation, schema)
    assert report["stopped"] is False
    assert report["findings"] == []
    assert {m["column"] for m in report["measurements"]} == validation.drift.keys()
    assert all(m["measured"] <= m["threshold"] for m in report["measurements"])

"""The page about the data: outcomes of the gate, findings, histograms."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tests.components.gate_run import DATASET, write_statistics
from tests.pipeline.report.bare_run import bare_run
from tfxkit.config.dataset import Dataset
from tfxkit.report.data import HISTOGRAM_BINS, build_data, draw_histogram
from tfxkit.report.formatting import number
from tfxkit.report.page import environment
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.summary import State, Status, Step

SCHEMA = text_format.Parse(
    'feature { name: "x" type: FLOAT } feature { name: "y" type: INT }', schema_pb2.Schema()
)
ALL_WELL = "Nothing departs from the schema"


@pytest.fixture
def section(tmp_path):
    """Renders the section of a run, by status and state of the gate."""
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0, 1, 1]})
    statistics = write_statistics(tmp_path / "statistics", {"train": rows, "eval": rows}, SCHEMA)
    properties = {"split_names": statistics.split_names}
    artifacts = {
        "StatisticsGen": {
            "statistics": Artifact(1, "ExampleStatistics", statistics.uri, properties)
        },
        "ExampleValidator": {"anomalies": Artifact(3, "ExampleAnomalies", str(tmp_path), {})},
    }

    def make(status: Status, gate: State, findings=None) -> str:
        if findings is not None:
            file = tmp_path / "findings.json"
            report = {"findings": findings, "not_measured": [], "no_baseline": None}
            file.write_text(json.dumps(report))
            artifacts["DataGate"] = {"findings": Artifact(2, "Findings", str(file), {})}
        steps = (Step(name="DataGate", state=gate, seconds=0),)
        run = bare_run(tmp_path, status, artifacts, steps=steps)
        template = environment().get_template("data.html")
        return template.render(content=build_data(run), run=run)

    return make


def finding(severity: str, column: str = "x") -> dict[str, str]:
    return {"column": column, "what": "odd", "split": "train", "kind": "rows", "severity": severity}


def test_all_is_well_only_where_the_data_was_checked(section):
    skipped = section(Status.DONE, State.SKIPPED)
    assert "The data gate was not reached" in skipped and ALL_WELL not in skipped
    failed = section(Status.FAILED, State.FAILED)
    assert "The data gate failed" in failed and ALL_WELL not in failed
    stopped = section(Status.STOPPED, State.FAILED)
    assert "The data gate stopped the run" in stopped and ALL_WELL not in stopped
    for state in (State.RUN, State.CACHED):
        passed = section(Status.PUSHED, state, [])
        assert "The data gate let it pass" in passed and ALL_WELL in passed


def test_a_column_is_marked_by_its_worst_finding(section):
    warned = section(Status.PUSHED, State.RUN, [finding("warning"), finding("warning")])
    assert '<span class="warn">! 2</span>' in warned and 'class="bad"' not in warned
    both = [finding("warning"), finding("error"), finding("warning", "y")]
    mixed = section(Status.PUSHED, State.RUN, both)
    assert '<span class="bad">✗ 2</span>' in mixed and '<span class="warn">! 1</span>' in mixed


def numeric(*deciles):
    column = FeatureNameStatistics()
    quantiles = column.num_stats.histograms.add(type="QUANTILES")
    for low, high in pairwise(deciles):
        quantiles.buckets.add(low_value=low, high_value=high, sample_count=10)
    return column


def test_an_outlier_does_not_flatten_the_bars():
    now, before = numeric(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1e9), numeric(*range(11))
    drawn = draw_histogram({"train": now, "served": before}, number)
    assert len(drawn.bars) == HISTOGRAM_BINS and drawn.outlines.keys() == {"served"}
    assert sum(height > 0 for *_, height in drawn.bars) > 5
    assert drawn.low == "0" and drawn.high != number(1e9)


def test_values_share_their_bars_across_data_sets():
    columns = {}
    for name, counts in {"train": {"a": 3, "b": 1}, "eval": {"b": 4, "c": 1}}.items():
        column = columns.setdefault(name, FeatureNameStatistics())
        for value, count in counts.items():
            column.string_stats.rank_histogram.buckets.add(label=value, sample_count=count)
    drawn = draw_histogram(columns, number)
    heights = [height for *_, height in drawn.bars]  # of b, a, c, by what is frequent in both
    assert heights[0] < heights[1] and heights[2] == 0


PEOPLE = text_format.Parse(
    """
    feature { name: "customer_id" type: INT }
    feature { name: "email" type: BYTES }
    feature { name: "street" type: BYTES }
    feature { name: "remark" type: BYTES }
    feature { name: "phone" type: INT }
    feature { name: "town" type: BYTES }
    feature { name: "age" type: INT }
    feature { name: "y" type: INT }
    """,
    schema_pb2.Schema(),
)
ROLES = {
    "customer_id": "ignored",
    "email": "ignored",
    "street": "hashed",
    "remark": "text",
    "town": "categorical",
    "age": "numeric",
}


def people(rows=40):
    """A table with identifiers; the column phone is not described at all."""
    return pd.DataFrame(
        {
            "customer_id": [7_100_000 + i for i in range(rows)],
            "email": [f"ada{i}@example.org" for i in range(rows)],
            "street": ["Lovelace Lane 1"] * rows,
            "remark": ["ada called at noon"] * rows,
            "phone": [5_550_100 + i for i in range(rows)],
            "town": ["Ulm"] * (rows - 3) + ["Kleinkleckersdorf"] * 3,
            "age": [20 + i for i in range(rows)],
            "y": [0, 1] * (rows // 2),
        }
    )


def test_no_identifier_is_on_the_page(tmp_path):
    frame = people()
    written = write_statistics(tmp_path / "statistics", {"train": frame, "eval": frame}, PEOPLE)
    properties = {"split_names": written.split_names}
    statistics = Artifact(1, "ExampleStatistics", written.uri, properties)
    columns = {name: {"role": role} for name, role in ROLES.items()}
    dataset = Dataset.model_validate({**DATASET, "columns": columns})
    run = bare_run(tmp_path, Status.PUSHED, {"StatisticsGen": {"statistics": statistics}})
    run = dataclasses.replace(run, dataset=dataset)
    page = environment().get_template("data.html").render(content=build_data(run), run=run)
    for value in ("71000", "7,100", "ada", "Lovelace", "55501", "5,550", "Kleinkleckersdorf"):
        assert value not in page, value
    for value in ("Ulm", "20", "59", "customer_id", "email", "phone"):
        assert value in page, value
    by_name = {column.name: column for column in build_data(run).columns}
    assert by_name["email"].numbers["train"].facts["different values"] == "40"
    assert len(by_name["email"].histogram.bars) > 1
    assert by_name["town"].numbers["train"].middle == "Ulm"
    assert by_name["customer_id"].numbers["train"].facts == {}

"""What the page says about the data when the gate passed it, stopped it, or was not reached."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.components.gate_run import write_statistics
from tests.pipeline.report.made_run import made_run
from tfxkit.report import data
from tfxkit.report.writing import environment
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.summary import State, Status, Step

SCHEMA = text_format.Parse(
    'feature { name: "x" type: FLOAT } feature { name: "y" type: INT }', schema_pb2.Schema()
)
ALL_WELL = "Nothing departs from the schema"


@pytest.fixture
def section(tmp_path):
    """Makes the section of a run whose gate ended so, as text."""
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
        run = made_run(tmp_path, status, artifacts, steps=steps)
        template = environment().get_template("data.html")
        return template.render(content=data.make(run), run=run)

    return make


def finding(severity: str, column: str = "x") -> dict[str, str]:
    return {"column": column, "what": "odd", "split": "train", "kind": "rows", "severity": severity}


def test_that_all_is_well_is_said_only_where_somebody_has_looked(section):
    untold = section(Status.DONE, State.SKIPPED)
    assert "The data gate was not reached" in untold and ALL_WELL not in untold
    untold = section(Status.FAILED, State.FAILED)
    assert "The data gate failed" in untold and ALL_WELL not in untold
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

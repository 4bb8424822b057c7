"""The data gate stops what must be stopped, says what is wrong, and lets the rest pass."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from tensorflow_metadata.proto.v0 import schema_pb2

from tests import sample_project
from tests.components.gate_run import read_schema, run_gate, write_statistics
from tfxkit.components.data_gate import GateError
from tfxkit.config.dataset import Dataset, Validation
from tfxkit.errors import DataError

SCHEMA = read_schema(sample_project.CONFIGS / "schema.pbtxt")
DATASET = yaml.safe_load((sample_project.CONFIGS / "dataset.yaml").read_text())
VALIDATION = Dataset.model_validate(DATASET).validation


def span(number, rows=400):
    return pd.read_csv(sample_project.span(number)).sample(rows, random_state=0)


@pytest.fixture(scope="module")
def trips():
    return span(2)


@pytest.fixture
def gate(tmp_path):
    """Runs ExampleValidator and the gate on rows, and returns the gate's report."""

    def run(rows, baseline=None, validation=VALIDATION, schema=SCHEMA):
        dataset = Dataset.model_validate(DATASET).for_model()
        return run_gate(tmp_path, rows, baseline, validation, schema, dataset=dataset)

    return run


def test_good_rows_pass_and_without_a_baseline_says_that_drift_was_not_measured(gate, trips):
    report = gate({"train": trips, "eval": span(3)})
    assert report["stopped"] is False
    assert report["findings"] == []
    assert report["measurements"] == []
    assert report["no_baseline"] == "Nothing is served yet."


def broken(trips, column, value, rows):
    result = trips.copy()
    result[column] = result[column].astype(object)
    result.iloc[:rows, result.columns.get_loc(column)] = value
    return result


ANOMALIES = {
    "missing column": (
        lambda t: t.drop(columns="fare"),
        ["fare (train): Missing column: no row has a value"],
    ),
    "new column": (
        lambda t: t.assign(tolls=1.0),
        ["tolls (train): New column: New column (column in data but not in schema)"],
    ),
    "other type": (
        lambda t: t.assign(trip_miles="far"),
        ["trip_miles (train): Unexpected data type", "type: FLOAT but got STRING"],
    ),
    "new category": (
        lambda t: broken(t, "payment_type", "Crypto", 40),
        ["payment_type (train): Unexpected string values", "Crypto (~10%)", "in 1.00% of the rows"],
    ),
    "too large": (
        lambda t: broken(t, "trip_start_hour", 24, 1),
        ["trip_start_hour (train): Out-of-range values", "24; at most 23 is allowed"],
    ),
    "too small": (
        lambda t: broken(t, "fare", -5.0, 1),
        ["fare (train): Out-of-range values", "-5<0"],
    ),
    "no values at all": (
        lambda t: t.assign(company=None),
        ["company (train): Missing column: no row has a value"],
    ),
    "too many gaps": (
        lambda t: broken(t, "fare", None, 100),
        ["fare (train): Missing values: 300 of 400 rows have a value (75.0%), at least 100.0% is "],
    ),
}


@pytest.mark.parametrize("name", ANOMALIES)
def test_an_anomaly_stops_the_run_and_says_what_where_and_by_how_much(gate, trips, name):
    change, texts = ANOMALIES[name]
    with pytest.raises(DataError) as error:
        gate({"train": change(trips), "eval": trips})
    for text in [*texts, "python -m pipeline schema diff", "python -m pipeline schema accept"]:
        assert text in str(error.value)
    assert "(eval)" not in str(error.value)
    assert error.value.report["findings"][0]["severity"] == "error"


def test_a_finding_about_an_identifier_has_no_value(tmp_path, trips):
    columns = {**DATASET["columns"], "company": {"role": "ignored"}}
    schema = schema_pb2.Schema()
    schema.CopyFrom(SCHEMA)
    for feature in schema.feature:
        if feature.name == "company":
            feature.string_domain.value.append("Flash Cab")
    with pytest.raises(GateError) as error:
        run_gate(
            tmp_path,
            trips.assign(company="Ada Lovelace"),
            None,
            VALIDATION,
            schema,
            dataset={**DATASET, "columns": columns},
        )
    assert "company (train): Unexpected string values;" in str(error.value)
    assert "Ada" not in str(error.value)


def test_a_new_category_within_the_allowed_mass_passes(gate, trips):
    assert gate(broken(trips, "payment_type", "Crypto", 3))["findings"] == []


def test_all_findings_come_at_once_on_one_screen(gate, trips):
    rows = trips.assign(**{f"new_{i:02}": 1.0 for i in range(30)}).drop(columns="fare")
    with pytest.raises(GateError) as error:
        gate({"train": rows, "eval": rows})
    lines = str(error.value).splitlines()
    assert len(lines) < 30
    assert "  fare (eval, train): Missing column: no row has a value" in lines
    assert "  ... and 11 more" in lines
    assert len(error.value.report["findings"]) == 62


def test_a_severity_below_the_configured_one_is_reported_and_does_not_stop(gate, trips):
    report = gate(trips.drop(columns="fare"), validation=Validation(stop_at="never"))
    assert report["stopped"] is False
    assert [finding["column"] for finding in report["findings"]] == ["fare"]


def test_rows_of_another_span_pass_and_each_bound_is_measured(gate, trips):
    report = gate(trips, baseline=span(1))
    assert {m["column"] for m in report["measurements"]} == VALIDATION.drift.keys()
    assert all(m["measured"] <= m["threshold"] for m in report["measurements"])


def test_metres_for_miles_are_drift(gate, trips):
    wide = schema_pb2.Schema()
    wide.CopyFrom(SCHEMA)
    next(f for f in wide.feature if f.name == "trip_miles").ClearField("float_domain")
    with pytest.raises(GateError) as error:
        gate(trips.assign(trip_miles=trips.trip_miles * 1609), baseline=trips, schema=wide)
    assert "trip_miles (train): Drift: Jensen-Shannon divergence 0." in str(error.value)
    assert "0.1 is allowed" in str(error.value)
    assert "validation.drift in configs/dataset.yaml" in str(error.value)
    assert "schema accept" not in str(error.value)  # it would not help


def test_drift_names_the_value_that_moved_most(gate, trips):
    rows = broken(trips, "payment_type", "No Charge", 200)
    with pytest.raises(GateError, match=r"the share of 'No Charge' differs by 0\.\d+ .* 0.25 is"):
        gate(rows, baseline=trips)


def test_what_could_not_be_measured_is_reported(gate, trips):
    report = gate({"train": trips, "eval": trips}, baseline=trips.drop(columns="fare"))
    assert "drift: fare (train) is not in the data of the served model" in report["not_measured"]
    assert "drift: the split eval is not in the data of the served model" in report["not_measured"]


def test_a_distance_that_does_not_fit_the_column_is_an_error(gate, trips):
    validation = Validation.model_validate({"drift": {"company": {"jensen_shannon": 0.1}}})
    with pytest.raises(GateError, match="cannot be measured, jensen_shannon is for columns of num"):
        gate(trips, baseline=trips, validation=validation)


def test_skew_is_measured_against_statistics_of_served_requests(gate, trips, tmp_path):
    served = write_statistics(
        tmp_path / "served", {"all": trips.assign(fare=trips.fare * 100)}, SCHEMA
    )
    validation = Validation.model_validate(
        {
            "skew": {"fare": {"jensen_shannon": 0.1}, "company": {"infinity_norm": 0.1}},
            "serving_statistics": f"{served.uri}/Split-all/FeatureStats.pb",
        }
    )
    with pytest.raises(GateError) as error:
        gate(trips, validation=validation)
    assert "fare (train): Skew: Jensen-Shannon divergence" in str(error.value)
    assert "company" not in str(error.value)


def test_serving_statistics_that_are_not_there_are_named(gate, trips):
    validation = Validation.model_validate(
        {"skew": {"fare": {"jensen_shannon": 0.1}}, "serving_statistics": "/nowhere/stats.pb"}
    )
    with pytest.raises(DataError, match=r"no statistics of served requests at /nowhere/stats\.pb"):
        gate(trips, validation=validation)


def test_skew_and_serving_statistics_need_one_another():
    with pytest.raises(ValueError, match="need one another"):
        Validation.model_validate({"skew": {"fare": {"jensen_shannon": 0.1}}})


@pytest.mark.parametrize(
    ("section", "content"),
    [
        ("validation", {"drift": {"fair": {"jensen_shannon": 0.1}}}),
        ("evaluation", {"slices": [["company", "fair"]]}),
    ],
)
def test_a_column_that_does_not_exist_is_refused(section, content):
    with pytest.raises(ValueError, match=f"{section}.*: no such column: fair"):
        Dataset.model_validate({**DATASET, section: content})

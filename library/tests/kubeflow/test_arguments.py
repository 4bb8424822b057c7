"""Values of one run: held to the package and to the project's own rules, merged with defaults."""

from __future__ import annotations

import pytest

from tfxkit.components.example_gen.spans import range_config
from tfxkit.config.dataset import Task
from tfxkit.errors import DataError, UsageError
from tfxkit.kubeflow.parameters import declared_parameters
from tfxkit.kubeflow.submission import measured_metrics, resolve_arguments, schema_columns
from tfxkit.metrics.catalogue import CATALOGUE

pytestmark = pytest.mark.slow  # compiles the DAG

WRONG = [
    ({"thresholds": "{auc: {mim: 0.9}}"}, (), "thresholds.auc.mim: Extra inputs"),
    ({"thresholds": "{auk: {min: 0.9}}"}, (), "no metric 'auk'; did you mean auc?"),
    ({"thresholds": "{auc: 0.9}"}, (), "thresholds.auc: Input should be"),
    ({"thresholds": "{1: {min: 0.9}}"}, (), "thresholds: no metric 1; "),
    ({"thresholds": "{auc: 0.9}"}, ["log_loss.max=1"], "thresholds.auc: 0.9 is no mapping such as"),
    ({}, ["auc.minimum=0.9"], "keys are min, max, max_worsening"),
    ({}, ["auc=0.9"], "write it as METRIC.KEY=NUMBER"),
    ({}, ["auc.min=high"], "'high' is no number"),
    ({}, ["auc.min=nan"], "'nan' is no number"),
    ({}, ["auc.max_worsening=-1"], "thresholds.auc.max_worsening: Input should be greater"),
    ({}, ["calibration.max_worsening=0.1"], "best near 1, so a change has no direction"),
    (
        {"worst_slice": "{metric: calibration, min: 0.5, max_worsening: 0.1}"},
        (),
        "worst_slice: calibration is best near 1",
    ),
    ({"worst_slice": "{metric: accuracy}"}, (), "worst_slice: give either min"),
    ({"worst_slice": "{metric: acuracy, min: 0.5}"}, (), "did you mean accuracy?"),
    ({"drift": "{fair: {jensen_shannon: 0.1}}"}, (), "no column 'fair'; did you mean fare?"),
    ({"drift": "{fare: {jensen_shannon: 2}}"}, (), "drift.fare.jensen_shannon: Input should be"),
    ({"drift": "{fare: {}}"}, (), "drift.fare: give infinity_norm"),
    ({"stop_at": "sometimes"}, (), "stop_at: Input should be 'warning', 'error' or 'never'"),
    ({"spans": "last"}, (), "spans: String should match"),
    ({"data_path": "/mnt/../x y"}, (), "does not exist inside the containers"),
    ({"data_path": "s3://user:key@host/b"}, (), "data_path has a password in an address"),
]


@pytest.fixture
def package(compiled):
    return compiled("kubeflow")


@pytest.mark.parametrize(("values", "thresholds", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_what_a_step_would_choke_on_is_refused(values, thresholds, told, package):
    with pytest.raises(UsageError) as error:
        resolve_arguments(package, "kubeflow", values, thresholds)
    assert told in str(error.value)


def test_a_threshold_is_laid_over_the_defaults(package):
    default = declared_parameters(package.spec)["thresholds"]["defaultValue"]
    assert default["auc"] == {"min": 0.93, "max_worsening": 0.005}
    given = resolve_arguments(package, "kubeflow", {}, ["auc.min=0.9", "log_loss.max=0.5"])[
        "thresholds"
    ]
    assert given == {
        **default,
        "auc": {"min": 0.9, "max_worsening": 0.005},
        "log_loss": {"max": 0.5},
    }


def test_null_takes_a_bound_away_and_a_metric_without_bounds_goes(package):
    given = resolve_arguments(
        package, "kubeflow", {}, ["auc.max_worsening=null", "accuracy.min=null"]
    )
    assert given["thresholds"]["auc"] == {"min": 0.93}
    assert "accuracy" not in given["thresholds"]


def test_only_what_differs_is_sent(package):
    assert resolve_arguments(package, "kubeflow", {}) == {}
    values = {"spans": "3", "stop_at": "never", "worst_slice": "{metric: auc, min: 0.5}"}
    assert resolve_arguments(package, "kubeflow", values) == {
        "spans": "3",
        "stop_at": "never",
        "worst_slice": {"metric": "auc", "min": 0.5, "min_examples": 100},
    }


def test_numbers_are_numbers_however_they_are_written(package):
    given = resolve_arguments(package, "kubeflow", {"thresholds": "{log_loss: {max: 1e-1}}"})
    assert given == {"thresholds": {"log_loss": {"max": 0.1}}}


def test_vertex_reads_cloud_storage_only(compiled):
    package = compiled("vertex")
    assert resolve_arguments(package, "vertex", {"data_path": "gs://bucket/taxi"})
    with pytest.raises(UsageError, match="not on Cloud Storage"):
        resolve_arguments(package, "vertex", {"data_path": "s3://bucket/taxi"})


def test_statistics_of_served_requests_lie_where_a_step_finds_them(compiled):
    place = "dataset.validation.serving_statistics=s3://bucket/stats.pb"
    package = compiled("kubeflow", "dataset.validation.skew.fare.jensen_shannon=0.1", place)
    assert resolve_arguments(package, "kubeflow", {"serving_statistics": "/mnt/stats.pb"})
    with pytest.raises(UsageError, match="serving_statistics: 'stats"):
        resolve_arguments(package, "kubeflow", {"serving_statistics": "stats.pb"})


def test_the_names_that_bounds_may_use_are_those_of_the_steps(package):
    always = {name for name, entry in CATALOGUE[Task.BINARY].items() if entry.always}
    assert set(measured_metrics(package)) == always
    assert {"fare", "tips", "company"} <= set(schema_columns(package))


@pytest.mark.parametrize("spans", ["all", "newest", "3", "last:2", "last:0", "last", "-1", "1-2"])
def test_spans_are_held_to_the_same_rule_as_in_the_step(spans, package):
    def passes(check) -> bool:
        try:
            check()
        except (UsageError, DataError):
            return False
        return True

    told_here = passes(lambda: resolve_arguments(package, "kubeflow", {"spans": spans}))
    assert told_here == passes(lambda: range_config(spans))

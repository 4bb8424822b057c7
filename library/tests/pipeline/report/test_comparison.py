"""Two runs side by side: keys, thresholds and differences, without a run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pipeline.report.test_bootstrap import METRICS, answers, binary
from tfxkit.errors import UsageError
from tfxkit.evaluation import Check
from tfxkit.report.bootstrap import WHOLE, independent_change, intervals
from tfxkit.report.changes import key_changes, threshold_changes
from tfxkit.report.origin import MASK
from tfxkit.report.run import RunPair
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Status, Summary

DATASET = {
    "task": "binary",
    "label": {"column": "paid", "positive": "yes"},
    "columns": {"size": {"role": "numeric"}},
}

OF_NUMBERS = {**DATASET, "task": "regression", "label": {"column": "paid"}}
OF_THE_OTHER_CLASS = {**DATASET, "label": {"column": "paid", "positive": "no"}}


def summary(run_id="1", started="2026-01-01T00:00:00+00:00", **fields):
    fields = {"config": {"dataset": DATASET}, "metrics": {"auc": 0.9}, **fields}
    ended = {"status": Status.PUSHED, "exit_code": 0, "seconds": 1.0, "pid": 1}
    return Summary(run_id=run_id, pipeline="p", started=started, **ended | fields)


def test_different_keys_have_both_values_and_those_of_one_run_are_included():
    older = summary(
        config={"train": {"epochs": 8, "seed": 1}, "gone": {}, "data": {"spans": "all"}}
    )
    newer = summary(
        config={"train": {"epochs": 3, "seed": 1}, "data": {"spans": "all"}, "new": [1, None]},
        arguments={"to": "Pusher", "config_dir": "/elsewhere"},
    )
    changed, same = key_changes(older, newer)
    assert changed == [
        ("train.epochs", "8", "3"),
        ("gone", "{}", "not set"),
        ("new", "not set", "[1, null]"),
        ("--to", "not set", "Pusher"),
    ]
    assert same == 2


def test_null_differs_from_a_missing_key():
    changed, _ = key_changes(summary(config={"a": 1}), summary(config={"a": 1, "limit": None}))
    assert changed == [("limit", "not set", "null")]


def test_a_changed_secret_is_listed_without_its_value():
    older, newer = (
        summary(config={"beam": {"db_password": word}, "data": {"path": f"s3://u:{word}@b/x"}})
        for word in ("hunter2", "hunter3")
    )
    changed, _ = key_changes(older, newer)
    assert changed == [
        ("beam.db_password", MASK, MASK),
        ("data.path", f"s3://{MASK}@b/x", f"s3://{MASK}@b/x"),
    ]


def test_thresholds_of_both_runs_have_both_outcomes():
    check = {"latency_ms": 1.0, "peak_memory_mb": 700.0}
    older = summary(
        thresholds=(Check(name="auc: min", passed=True, detail="a"),),
        serving_check={"blessed": True, **check},
    )
    newer = summary(
        thresholds=(
            Check(name="auc: min", passed=False, detail="b"),
            Check(name="loss: max", passed=True, detail="c"),
        ),
        serving_check={"blessed": False, "reason": "too slow", **check},
    )
    found = {change.name: change for change in threshold_changes(older, newer)}
    assert list(found) == ["auc: min", "loss: max", "serving check"]
    assert (found["auc: min"].older, found["auc: min"].newer) == (True, False)
    assert (found["loss: max"].older, found["loss: max"].older_detail) == (None, "")
    assert found["serving check"].newer_detail == "too slow"
    assert all(change.moved for change in found.values())
    assert not any(change.moved for change in threshold_changes(newer, newer))


def test_the_run_that_began_later_is_the_newer_one_whatever_it_is_called(tmp_path):
    outputs = Outputs(tmp_path)
    runs = [summary("a", "2026-01-01T00:00:00+01:00"), summary("b", "2026-01-01T00:00:00+02:00")]
    for run in runs:
        (outputs.runs / run.run_id).mkdir(parents=True)
        run.write(outputs.runs / run.run_id)
    for one, other in (runs, reversed(runs)):
        pair = RunPair.read(one, other, outputs)
        assert (pair.older.summary.run_id, pair.newer.summary.run_id) == ("b", "a")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({}, "Both names are of the run 1"),
        ({"run_id": "2", "metrics": {}, "status": "stopped", "error": "Drift.\nMore"},
         r"run 2 has no model that was measured \(stopped: Drift\)"),
        ({"run_id": "2", "config": {"dataset": OF_NUMBERS}},
         '(?s)different things.*1: binary, {"column":"paid","positive":"yes"}.*2: regression'),
        ({"run_id": "2", "config": {"dataset": OF_THE_OTHER_CLASS}},
         '(?s)different things.*"positive":"no"'),
    ],
)  # fmt: skip
def test_runs_that_cannot_be_compared_are_refused_with_the_reason(other, reason, tmp_path):
    with pytest.raises(UsageError, match=reason):
        RunPair.read(summary(), summary(**other), Outputs(tmp_path))


def test_rows_without_a_label_may_be_treated_in_another_way(tmp_path):
    dropped = {**DATASET, "label": {**DATASET["label"], "missing": "drop"}}
    runs = [summary(), summary("2", config={"dataset": dropped})]
    for run in runs:
        (Outputs(tmp_path).runs / run.run_id).mkdir(parents=True)
        run.write(Outputs(tmp_path).runs / run.run_id)
    assert RunPair.read(*runs, Outputs(tmp_path))


def test_the_change_between_other_rows_is_as_uncertain_as_both_together():
    older, newer = (answers(*binary(800, seed=seed)) for seed in (21, 22))
    change = independent_change(METRICS, newer, older)[WHOLE]["auc"]
    own = [intervals(METRICS, rows).candidate[WHOLE]["auc"] for rows in (older, newer)]
    widths = [interval.high - interval.low for interval in own]
    assert change.high - change.low == pytest.approx(np.hypot(*widths), rel=0.15)


def test_the_same_rows_taken_for_others_do_not_agree_by_chance():
    """Resamples with one seed would be paired: an interval of no width for a model and itself."""
    rows = answers(*binary(800))
    change = independent_change(METRICS, rows, rows)[WHOLE]["auc"]
    own = intervals(METRICS, rows).candidate[WHOLE]["auc"]
    assert change.low < 0 < change.high
    assert change.high - change.low > own.high - own.low

"""Intervals hold the true value, also those of functions in a project."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from tfxkit.config.dataset import MetricSettings, Task
from tfxkit.metrics import Rows, Sums
from tfxkit.metrics.catalogue import CATALOGUE, define
from tfxkit.report import bootstrap
from tfxkit.report.bootstrap import WHOLE, intervals
from tfxkit.report.eval_rows import EvalRows

ROWS = 400
METRICS = {
    name: define(Task.BINARY, (), name, MetricSettings())
    for name, entry in CATALOGUE[Task.BINARY].items()
    if entry.always
}


def answers(labels, predictions, slice_of=None, names=()):
    slice_of = np.empty((0, len(labels)), np.int32) if slice_of is None else slice_of
    return EvalRows(labels, predictions, names, slice_of, every=1)


def binary(rows=ROWS, noise=1.0, seed=1):
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 0.3).astype(float)
    scores = 1 / (1 + np.exp(-(2 * labels - 1 + random.normal(0, noise, rows))))
    return labels, np.round(scores, 2)  # ties


def test_an_interval_holds_the_value_on_many_rows():
    many = Rows.of(*binary(200_000, seed=5))
    truth = {name: METRICS[name].value(many) for name in ("auc", "log_loss")}
    held = []
    for seed in range(20):
        found = intervals(METRICS, answers(*binary(300, seed=10 + seed))).candidate[WHOLE]
        held += [found[name].low <= truth[name] <= found[name].high for name in truth]
    assert 0.8 < np.mean(held) <= 1.0


def test_an_interval_is_narrower_with_more_rows_and_the_same_each_time():
    few, many = (intervals(METRICS, answers(*binary(n))).candidate[WHOLE] for n in (200, 3200))
    assert many["auc"].high - many["auc"].low < 0.5 * (few["auc"].high - few["auc"].low)
    assert intervals(METRICS, answers(*binary(200))).candidate[WHOLE] == few


def test_uncertainty_common_to_both_models_drops_out_of_their_difference():
    labels, scores = binary()
    worse = np.clip(scores + np.random.default_rng(6).normal(0, 0.1, ROWS), 0.01, 0.99)
    found = intervals(METRICS, answers(labels, worse), answers(labels, scores))
    change, alone = found.change[WHOLE]["auc"], found.candidate[WHOLE]["auc"]
    assert change.high - change.low < 0.7 * (alone.high - alone.low)
    assert found.baseline[WHOLE]["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-6)
    same = intervals(METRICS, answers(labels, scores), answers(labels, scores))
    assert {(interval.low, interval.high) for interval in same.change[WHOLE].values()} == {
        (0.0, 0.0)
    }


def test_slices_have_their_own_intervals_and_none_where_a_metric_is_not_defined():
    labels, scores = binary()
    codes = np.where(labels == 0, 0, -1)  # all of one class
    codes[:200] = np.where(labels[:200] == 1, 1, codes[:200])
    codes[200:] = 1
    rows = answers(labels, scores, codes[np.newaxis].astype(np.int32), ("a: 1", "a: 2"))
    found = intervals(METRICS, rows).candidate
    assert found.keys() == {WHOLE, "a: 1", "a: 2"}
    assert "auc" not in found["a: 1"] and "accuracy" in found["a: 1"]
    assert found["a: 2"]["auc"] != found[WHOLE]["auc"]


def share_of_sure_rows(labels, predictions, weights):
    if len(labels) == 0:
        raise ValueError("no rows")
    return np.average(abs(predictions - 0.5) > 0.4, weights=weights)


def ignores_weights(labels, predictions, weights):
    return sk.roc_auc_score(labels, predictions)


def test_a_function_of_the_project_has_an_interval_also_if_it_ignores_the_weights():
    labels, scores = binary()
    names = ("share_of_sure_rows", "ignores_weights")
    functions = {
        name: define(Task.BINARY, (), name, MetricSettings(function=f"{__name__}.{name}"))
        for name in names
    }
    worse = np.clip(scores + np.random.default_rng(6).normal(0, 0.1, ROWS), 0.01, 0.99)
    found = intervals({**METRICS, **functions}, answers(labels, worse), answers(labels, scores))
    auc, same = found.candidate[WHOLE]["auc"], found.candidate[WHOLE]["ignores_weights"]
    assert same.high - same.low == pytest.approx(auc.high - auc.low, rel=0.2)
    change = found.change[WHOLE]["ignores_weights"]
    assert change.high - change.low < same.high - same.low
    sure = found.candidate[WHOLE]["share_of_sure_rows"]
    assert sure.low < share_of_sure_rows(labels, worse, np.ones(ROWS)) < sure.high
    assert found.baseline[WHOLE]["ignores_weights"] == sk.roc_auc_score(labels, scores)


broken = Sums(lambda labels, predictions: [predictions], lambda sums: sums[1])


def test_a_metric_of_the_project_that_raises_has_no_interval_and_leaves_the_others_theirs():
    settings = MetricSettings(function=f"{__name__}.broken")
    metrics = {**METRICS, "broken": define(Task.BINARY, (), "broken", settings)}
    rows = answers(*binary())
    found, expected = intervals(metrics, rows, rows), intervals(METRICS, rows, rows)
    assert found == expected


def test_no_rows_have_no_intervals():
    assert intervals(METRICS, answers(np.empty(0), np.empty(0))).candidate == {}


def test_memory_is_limited_by_blocks_that_change_nothing(monkeypatch):
    labels, scores = binary()
    whole = intervals(METRICS, answers(labels, scores)).candidate[WHOLE]["auc"]
    monkeypatch.setattr(bootstrap, "BLOCK_WEIGHTS", 50 * ROWS)
    blocks = [block.shape for block in bootstrap.resample_blocks(ROWS)]
    assert blocks == [(ROWS, 50)] * 20
    in_parts = intervals(METRICS, answers(labels, scores)).candidate[WHOLE]["auc"]
    assert in_parts.low == pytest.approx(whole.low, abs=0.01)

"""Intervals: each resample is measured as scikit-learn would, and what they say is true."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from benchmarks import plain_metrics
from pipeline.report import bootstrap
from pipeline.report.areas import areas_under_curves
from pipeline.report.bootstrap import WHOLE, intervals
from pipeline.report.eval_rows import EvalRows
from pipeline.report.measures import measure
from tfxkit.config.dataset import Task

ROWS = 400


def answers(labels, predictions, slice_of=None, names=()):
    slice_of = np.empty((0, len(labels)), np.int32) if slice_of is None else slice_of
    return EvalRows(labels, predictions, names, slice_of, every=1)


def binary(rows=ROWS, noise=1.0, seed=1):
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 0.3).astype(float)
    scores = 1 / (1 + np.exp(-(2 * labels - 1 + random.normal(0, noise, rows))))
    return labels, np.round(scores, 2)  # ties


@pytest.fixture
def weights():
    """How often three resamples have each row; in the first each is there once."""
    random = np.random.default_rng(2)
    return np.stack([np.ones(ROWS), *random.integers(0, 3, (2, ROWS))], axis=1).astype(np.float32)


def repeated(values, weights, resample):
    return np.repeat(values, weights[:, resample].astype(int), axis=0)


def test_binary_metrics_are_those_of_repeated_rows(weights):
    labels, scores = binary()
    found = measure(Task.BINARY, labels, scores, weights)
    for resample in range(3):
        y, p = repeated(labels, weights, resample), repeated(scores, weights, resample)
        assert found["auc"][resample] == pytest.approx(sk.roc_auc_score(y, p), abs=1e-6)
        assert found["loss"][resample] == pytest.approx(sk.log_loss(y, p), rel=1e-4)
        assert found["accuracy"][resample] == pytest.approx(((p > 0.5) == y).mean(), rel=1e-5)
        assert found["calibration"][resample] == pytest.approx(p.mean() / y.mean(), rel=1e-5)
        # Interpolated, as Keras does it: near the sum of steps, which has no interpolation.
        steps = sk.average_precision_score(y, p)
        assert found["auc_precision_recall"][resample] == pytest.approx(steps, abs=0.02)


def test_multiclass_metrics_are_those_of_repeated_rows(weights):
    random = np.random.default_rng(3)
    labels = random.integers(0, 3, ROWS)
    scores = random.random((ROWS, 3)) + np.eye(3)[labels]
    scores /= scores.sum(axis=1, keepdims=True)
    found = measure(Task.MULTICLASS, labels.astype(float), scores, weights)
    for resample in range(3):
        y, p = repeated(labels, weights, resample), repeated(scores, weights, resample)
        area = sk.roc_auc_score(y, p, multi_class="ovr", average="macro")
        assert found["auc"][resample] == pytest.approx(area, abs=1e-6)
        assert found["loss"][resample] == pytest.approx(sk.log_loss(y, p), rel=1e-4)
        assert found["accuracy"][resample] == pytest.approx((p.argmax(1) == y).mean(), rel=1e-5)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("digits", [1, 2, 12])
def test_areas_are_those_of_a_walk_over_all_steps(share, digits, weights):
    random = np.random.default_rng(7)
    labels = (random.random(ROWS) < share).astype(float)
    scores = np.round(random.random(ROWS) + 0.3 * labels, digits)
    found = np.transpose(areas_under_curves(labels, scores)(weights))
    for resample in range(3):
        y, p = repeated(labels, weights, resample), repeated(scores, weights, resample)
        expected = plain_metrics.areas_under_curves(y, p)
        assert found[resample] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_alone_has_no_areas(label, weights):
    labels, scores = binary()
    assert np.isnan(areas_under_curves(np.full(ROWS, label), scores)(weights)).all()
    only = weights * (labels == label)[:, np.newaxis]
    assert np.isnan(areas_under_curves(labels, scores)(only.astype(np.float32))).all()


def test_regression_metrics_are_those_of_repeated_rows_also_far_from_zero(weights):
    random = np.random.default_rng(4)
    labels = 1e6 + random.normal(0, 10, ROWS)
    predictions = labels + random.normal(0, 3, ROWS)
    found = measure(Task.REGRESSION, labels, predictions, weights)
    for resample in range(3):
        y, p = repeated(labels, weights, resample), repeated(predictions, weights, resample)
        assert found["r2"][resample] == pytest.approx(sk.r2_score(y, p), abs=1e-4)
        assert found["mae"][resample] == pytest.approx(sk.mean_absolute_error(y, p), rel=1e-4)
        assert found["rmse"][resample] == pytest.approx(sk.root_mean_squared_error(y, p), rel=1e-4)
        squared = np.corrcoef(y, p)[0, 1] ** 2
        assert found["squared_pearson_correlation"][resample] == pytest.approx(squared, abs=1e-4)


def test_an_interval_holds_what_more_rows_show():
    truth = measure(Task.BINARY, *binary(200_000, seed=5), np.ones((200_000, 1), np.float32))
    held = []
    for seed in range(20):
        found = intervals(Task.BINARY, answers(*binary(300, seed=10 + seed))).candidate[WHOLE]
        held += [found[name].low <= truth[name][0] <= found[name].high for name in ("auc", "loss")]
    assert 0.8 < np.mean(held) <= 1.0


def test_an_interval_is_narrower_with_more_rows_and_the_same_each_time():
    few, many = (intervals(Task.BINARY, answers(*binary(n))).candidate[WHOLE] for n in (200, 3200))
    assert many["auc"].high - many["auc"].low < 0.5 * (few["auc"].high - few["auc"].low)
    assert intervals(Task.BINARY, answers(*binary(200))).candidate[WHOLE] == few


def test_what_is_uncertain_about_both_models_drops_out_of_their_difference():
    labels, scores = binary()
    worse = np.clip(scores + np.random.default_rng(6).normal(0, 0.1, ROWS), 0.01, 0.99)
    found = intervals(Task.BINARY, answers(labels, worse), answers(labels, scores))
    change, alone = found.change[WHOLE]["auc"], found.candidate[WHOLE]["auc"]
    assert change.high - change.low < 0.7 * (alone.high - alone.low)
    assert found.baseline[WHOLE]["auc"] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-6)
    same = intervals(Task.BINARY, answers(labels, scores), answers(labels, scores))
    assert {(one.low, one.high) for one in same.change[WHOLE].values()} == {(0.0, 0.0)}


def test_slices_have_intervals_of_their_own_and_none_where_a_metric_is_not_defined():
    labels, scores = binary()
    codes = np.where(labels == 0, 0, -1)  # all of one class
    codes[:200] = np.where(labels[:200] == 1, 1, codes[:200])
    codes[200:] = 1
    rows = answers(labels, scores, codes[np.newaxis].astype(np.int32), ("a: 1", "a: 2"))
    found = intervals(Task.BINARY, rows).candidate
    assert found.keys() == {WHOLE, "a: 1", "a: 2"}
    assert "auc" not in found["a: 1"] and "accuracy" in found["a: 1"]
    assert found["a: 2"]["auc"] != found[WHOLE]["auc"]


def test_no_rows_have_no_intervals():
    assert intervals(Task.BINARY, answers(np.empty(0), np.empty(0))).candidate == {}


def test_memory_is_bounded_by_blocks_that_change_nothing(monkeypatch):
    labels, scores = binary()
    whole = intervals(Task.BINARY, answers(labels, scores)).candidate[WHOLE]["auc"]
    monkeypatch.setattr(bootstrap, "_BLOCK", 50 * ROWS)
    blocks = [block.shape for block in bootstrap._blocks(ROWS)]
    assert blocks == [(ROWS, 50)] * 20
    in_parts = intervals(Task.BINARY, answers(labels, scores)).candidate[WHOLE]["auc"]
    assert in_parts.low == pytest.approx(whole.low, abs=0.01)

"""Each metric against scikit-learn and numpy, however the rows are cut, merged and resampled."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from benchmarks import plain_metrics
from tfxkit.config.dataset import MetricSettings, Task
from tfxkit.metrics import ResampledMetric, Rows, Sums
from tfxkit.metrics.builtin import CELLS, area_under_precision_recall, area_under_roc
from tfxkit.metrics.catalogue import CATALOGUE, define
from tfxkit.metrics.definition import Ranking, measurer

ROWS = 1000
CLASSES = ("a", "b", "c", "d")


def binary(rows=ROWS):
    random = np.random.default_rng(1)
    labels = (random.random(rows) < 0.3).astype(float)
    scores = 1 / (1 + np.exp(-(2 * labels - 1 + random.normal(0, 1, rows))))
    return labels, scores.round(2)  # ties


def multiclass():
    random = np.random.default_rng(2)
    labels = random.integers(0, 4, ROWS)
    scores = random.random((ROWS, 4)) + 0.7 * np.eye(4)[labels]
    return labels.astype(float), scores / scores.sum(axis=1, keepdims=True)


def regression():
    random = np.random.default_rng(3)
    labels = 20 + random.normal(0, 5, ROWS)
    return labels, labels + random.normal(0, 3, ROWS)


def top(p):
    return p.argmax(axis=1)


def specificity(y, p):
    return np.mean([((y != c) & (p != c)).sum() / (y != c).sum() for c in np.unique(y)])


MACRO = {"average": "macro", "zero_division": 0}
EXPECTED = {
    (Task.BINARY, "auc"): sk.roc_auc_score,
    (Task.BINARY, "accuracy"): lambda y, p: sk.accuracy_score(y, p > 0.5),
    (Task.BINARY, "log_loss"): sk.log_loss,
    (Task.BINARY, "calibration"): lambda y, p: p.mean() / y.mean(),
    (Task.BINARY, "precision"): lambda y, p: sk.precision_score(y, p > 0.5),
    (Task.BINARY, "recall"): lambda y, p: sk.recall_score(y, p > 0.5),
    (Task.BINARY, "f1"): lambda y, p: sk.f1_score(y, p > 0.5),
    (Task.BINARY, "specificity"): lambda y, p: sk.recall_score(1 - y, p <= 0.5),
    (Task.BINARY, "pr_auc"): lambda y, p: plain_metrics.areas_under_curves(y, p)[1],
    (Task.MULTICLASS, "auc"): lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr"),
    (Task.MULTICLASS, "pr_auc"): lambda y, p: np.mean(
        [plain_metrics.areas_under_curves((y == c) * 1, p[:, c])[1] for c in range(4)]
    ),
    (Task.MULTICLASS, "accuracy"): lambda y, p: sk.accuracy_score(y, top(p)),
    (Task.MULTICLASS, "log_loss"): sk.log_loss,
    (Task.MULTICLASS, "precision"): lambda y, p: sk.precision_score(y, top(p), **MACRO),
    (Task.MULTICLASS, "recall"): lambda y, p: sk.recall_score(y, top(p), **MACRO),
    (Task.MULTICLASS, "f1"): lambda y, p: sk.f1_score(y, top(p), **MACRO),
    (Task.MULTICLASS, "specificity"): lambda y, p: specificity(y, top(p)),
    (Task.MULTICLASS, "top_k_accuracy"): lambda y, p: sk.top_k_accuracy_score(y, p, k=2),
    (Task.REGRESSION, "rmse"): sk.root_mean_squared_error,
    (Task.REGRESSION, "mae"): sk.mean_absolute_error,
    (Task.REGRESSION, "mse"): sk.mean_squared_error,
    (Task.REGRESSION, "r2"): sk.r2_score,
    (Task.REGRESSION, "squared_pearson_correlation"): lambda y, p: np.corrcoef(y, p)[0, 1] ** 2,
    (Task.REGRESSION, "calibration"): lambda y, p: p.mean() / y.mean(),
    (Task.REGRESSION, "mape"): sk.mean_absolute_percentage_error,
    (Task.REGRESSION, "quantile_loss"): lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.5),
    (Task.REGRESSION, "medae"): sk.median_absolute_error,
}
EXPECTED |= {
    (Task.BINARY, "expected_calibration_error"): lambda y, p: (
        plain_metrics.expected_calibration_error(p, y)
    ),
    (Task.MULTICLASS, "expected_calibration_error"): lambda y, p: (
        plain_metrics.expected_calibration_error(p.max(axis=1), top(p) == y)
    ),
}
ANSWERS = {Task.BINARY: binary, Task.MULTICLASS: multiclass, Task.REGRESSION: regression}
EVERY = pytest.mark.parametrize(("task", "name"), list(EXPECTED), ids=map(" ".join, EXPECTED))


def metric(task, name, **settings):
    classes = CLASSES if task is Task.MULTICLASS else ()
    return define(task, classes, name, MetricSettings.model_validate(settings))


def merged(definition, labels, predictions, parts=3):
    """As Beam has it: parts of the rows measured apart, and merged in another order."""
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    measured = [
        definition.measure(Rows.of(labels[part], predictions[part]))
        for part in (slice(start, None, parts) for start in range(parts))
    ][::-1]
    statistics = measured[0]
    for other in measured[1:]:
        statistics = definition.merge(statistics, other)
    return definition.finish(statistics)


def test_each_metric_of_each_task_is_compared():
    assert {(task, name) for task, known in CATALOGUE.items() for name in known} == EXPECTED.keys()


@EVERY
@pytest.mark.parametrize("parts", [1, 3])
def test_the_evaluator_measures_what_scikit_learn_does(task, name, parts):
    labels, predictions = ANSWERS[task]()
    expected = EXPECTED[task, name](labels, predictions)
    found = merged(metric(task, name), labels, predictions, parts)
    cells = name in ("auc", "pr_auc", "expected_calibration_error")
    assert found == pytest.approx(expected, abs=1e-3 if cells else 1e-9)


@EVERY
def test_the_report_measures_each_resample_so_too(task, name):
    labels, predictions = ANSWERS[task]()
    definition = metric(task, name)
    drawn = np.random.default_rng(4).integers(0, 3, (ROWS, 2))
    weights = np.concatenate([np.ones((ROWS, 1)), drawn], axis=1).astype(np.float32)
    found = measurer({name: definition}, Rows.of(labels, predictions))(weights)
    if not isinstance(definition, ResampledMetric):
        assert found == {}
        return
    for resample, counts in enumerate(weights.T.astype(int)):
        y, p = np.repeat(labels, counts), np.repeat(predictions, counts, axis=0)
        assert found[name][resample] == pytest.approx(EXPECTED[task, name](y, p), abs=2e-5)


@EVERY
def test_without_rows_a_metric_is_not_defined(task, name):
    _, predictions = ANSWERS[task]()
    assert np.isnan(merged(metric(task, name), np.empty(0), predictions[:0], parts=1))


def test_a_decision_threshold_is_an_option():
    labels, scores = binary()
    for name, expected in (("precision", sk.precision_score), ("recall", sk.recall_score)):
        found = merged(metric(Task.BINARY, name, threshold=0.7), labels, scores)
        assert found == pytest.approx(expected(labels, scores > 0.7))
    found = merged(metric(Task.BINARY, "strict", metric="f1", threshold=0.9), labels, scores)
    assert found == pytest.approx(sk.f1_score(labels, scores > 0.9))
    found = merged(metric(Task.BINARY, "accuracy", threshold=0.2), labels, scores)
    assert found == pytest.approx(sk.accuracy_score(labels, scores > 0.2))


def test_one_class_against_the_rest():
    labels, predictions = multiclass()
    found = merged(metric(Task.MULTICLASS, "recall", for_class="c"), labels, predictions)
    assert found == pytest.approx(sk.recall_score(labels == 2, top(predictions) == 2))


def test_other_options():
    labels, predictions = multiclass()
    found = merged(metric(Task.MULTICLASS, "top_k_accuracy", k=3), labels, predictions)
    assert found == pytest.approx(sk.top_k_accuracy_score(labels, predictions, k=3))
    labels, predictions = regression()
    found = merged(metric(Task.REGRESSION, "quantile_loss", quantile=0.9), labels, predictions)
    assert found == pytest.approx(sk.mean_pinball_loss(labels, predictions, alpha=0.9))


def test_a_percentage_leaves_out_labels_of_zero():
    found = merged(metric(Task.REGRESSION, "mape"), [0.0, 10.0, 20.0], [5.0, 11.0, 18.0])
    assert found == pytest.approx(0.1)


def test_a_precision_without_any_positive_prediction_is_not_defined():
    assert np.isnan(merged(metric(Task.BINARY, "precision"), [0.0, 1.0, 1.0], [0.1, 0.2, 0.3]))


@pytest.mark.parametrize("name", ["auc", "pr_auc"])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_alone_has_no_area(name, label):
    definition, scores = metric(Task.BINARY, name), np.linspace(0, 1, 9)
    assert np.isnan(merged(definition, np.full(9, label), scores))
    weights = np.ones((9, 1), np.float32)
    assert np.isnan(definition.resampled(Rows.of(np.full(9, label), scores))(weights)).all()
    labels = np.arange(9.0) % 2
    only = weights * (labels == label)[:, np.newaxis]
    assert np.isnan(definition.resampled(Rows.of(labels, scores))(only)).all()


def test_a_perfect_order_has_the_whole_area():
    labels, scores = np.arange(8.0) > 3, np.linspace(0, 1, 8)
    for name in ("auc", "pr_auc"):
        assert merged(metric(Task.BINARY, name), labels, scores) == pytest.approx(1)


def test_a_class_without_rows_is_left_out_of_the_mean():
    labels, predictions = multiclass()
    kept = labels < 3
    labels, predictions = labels[kept], predictions[kept]
    areas = [sk.roc_auc_score(labels == one, predictions[:, one]) for one in range(3)]
    definition = metric(Task.MULTICLASS, "auc")
    assert merged(definition, labels, predictions) == pytest.approx(np.mean(areas), abs=1e-3)
    weights = np.ones((len(labels), 1), np.float32)
    found = definition.resampled(Rows.of(labels, predictions))(weights)
    assert found == pytest.approx(np.mean(areas), abs=1e-6)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("digits", [1, 2, 12])
def test_areas_are_those_of_a_walk_over_all_steps(share, digits):
    random = np.random.default_rng(7)
    labels = (random.random(400) < share).astype(float)
    scores = np.round(random.random(400) + 0.3 * labels, digits)
    weights = random.integers(0, 3, (400, 2)).astype(np.float32)
    steps = Ranking(labels == 1, scores).steps(weights)
    found = np.transpose([area_under_roc(steps), area_under_precision_recall(steps)])
    for resample, counts in enumerate(weights.T.astype(int)):
        expected = plain_metrics.areas_under_curves(
            np.repeat(labels, counts), np.repeat(scores, counts)
        )
        assert found[resample] == pytest.approx(expected, abs=1e-6)


BOTH = pytest.mark.parametrize("name", ["r2", "squared_pearson_correlation"])


@BOTH
@pytest.mark.parametrize("parts", [1, 3, 200])
@pytest.mark.parametrize("offset", [0.0, 1e9], ids=["small", "far from zero"])
def test_moments_keep_their_digits(name, parts, offset):
    random = np.random.default_rng(0)
    labels = offset + random.normal(size=99)
    predictions = labels + random.normal(size=99)
    definition = metric(Task.REGRESSION, name)
    expected = EXPECTED[Task.REGRESSION, name]
    found = merged(definition, labels, predictions, parts)
    assert found == pytest.approx(expected(labels, predictions), abs=1e-6)
    weights = random.integers(0, 3, (99, 1)).astype(np.float32)
    y, p = (np.repeat(values, weights[:, 0].astype(int)) for values in (labels, predictions))
    found = definition.resampled(Rows.of(labels, predictions))(weights)[0]
    assert found == pytest.approx(expected(y, p), abs=1e-4)


def test_what_is_off_by_a_constant_is_worse_though_as_correlated():
    labels = np.arange(10.0)
    determined, correlated = (metric(Task.REGRESSION, n) for n in EVERY_MOMENT)
    assert merged(determined, labels, labels) == 1
    assert merged(determined, labels, labels + 5) < 0
    assert merged(correlated, labels, labels + 5) == pytest.approx(1)


EVERY_MOMENT = ("r2", "squared_pearson_correlation")


@BOTH
@pytest.mark.parametrize("label", [2.0, 0.3, 7.7, 1e6 + 0.1])
@pytest.mark.parametrize("rows", [2, 333, 1000])
def test_labels_that_are_all_the_same_explain_nothing(name, label, rows):
    predictions = np.random.default_rng(0).normal(size=rows)
    definition, labels = metric(Task.REGRESSION, name), np.full(rows, label)
    assert np.isnan(merged(definition, labels, predictions))
    weights = np.random.default_rng(0).integers(0, 3, (rows, 5)).astype(np.float32)
    assert np.isnan(definition.resampled(Rows.of(labels, predictions))(weights)).all()


@pytest.mark.parametrize("number", [15 * 40, 1_000, 4_999, 7])
def test_the_calibration_error_is_exact_when_each_cell_holds_one_row(number):
    random = np.random.default_rng(0)
    probabilities = (random.choice(CELLS, number, replace=False) + 0.5) / CELLS
    outcomes = (random.random(number) < 0.3).astype(float)
    error = merged(metric(Task.BINARY, "expected_calibration_error"), outcomes, probabilities)
    expected = plain_metrics.expected_calibration_error(probabilities, outcomes)
    assert error == pytest.approx(expected, abs=1e-12)
    assert error > 0.1


def test_a_constant_prediction_is_off_by_its_distance_from_the_mean():
    outcomes = np.tile([0.0, 0.0, 0.0, 1.0], 250)
    error = merged(metric(Task.BINARY, "expected_calibration_error"), outcomes, np.full(1000, 0.4))
    assert error == pytest.approx(0.15)


def test_a_project_may_say_how_its_metric_is_merged():
    cost = Sums(
        lambda y, p: [5.0 * ((p <= 0.5) & (y == 1)), np.ones(len(y))], lambda s: s[0] / s[1]
    )
    labels, scores = binary()
    expected = 5 * ((scores <= 0.5) & (labels == 1)).mean()
    assert merged(cost, labels, scores) == pytest.approx(expected)
    found = cost.resampled(Rows.of(labels, scores))(np.ones((ROWS, 1), np.float32))
    assert found == pytest.approx(expected, rel=1e-5)

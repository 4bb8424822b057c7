"""Two models on the same rows: the mean difference of their losses, its interval, its unit."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from tfxkit.components.evaluator.evaluation import MeasuredMetrics, apply_thresholds
from tfxkit.config.dataset import Evaluation, Task
from tfxkit.metrics import Rows
from tfxkit.metrics.paired import PairedLoss

TASKS = list(Task)


def rows(task, count, noise=(0.0, 0.0), seed=0):
    """Labels, and the predictions of a candidate and a baseline with so much noise."""
    random = np.random.default_rng(seed)
    if task is Task.REGRESSION:
        truth = random.normal(1e6, 1, count)
        labels = truth + random.normal(0, 1, count)
        return labels, *(truth + random.normal(0, 1, count) * size for size in noise)
    scores = random.normal(0, 2, (count, 2 if task is Task.BINARY else 3))
    labels = (scores + random.gumbel(size=scores.shape)).argmax(axis=1)
    predictions = []
    for size in noise:
        noisy = np.exp(scores + random.normal(0, 1, scores.shape) * size)
        shares = noisy / noisy.sum(axis=1, keepdims=True)
        predictions.append(shares[:, 1] if task is Task.BINARY else shares)
    return labels, *predictions


def loss_of(task, labels, predictions):
    if task is Task.REGRESSION:
        return sklearn_metrics.mean_squared_error(labels, predictions)
    return sklearn_metrics.log_loss(labels, predictions)


def compare(task, labels, candidate, baseline, parts=1):
    """The comparison, with the rows in parts, as Beam measures them."""
    loss = PairedLoss(task)
    both = np.concatenate([x.reshape(len(labels), -1) for x in (candidate, baseline)], axis=1)
    measured = [
        loss.measure(Rows.of(*part))
        for part in zip(np.array_split(labels, parts), np.array_split(both, parts), strict=True)
    ]
    return loss.finish(functools.reduce(loss.merge, measured))


def check(task, labels, candidate, baseline, **settings):
    losses = compare(task, labels, candidate, baseline)
    measured = MeasuredMetrics({}, {}, (), paired=(PairedLoss(task).name, losses))
    evaluation = Evaluation.model_validate({"paired_test": settings})
    return apply_thresholds(evaluation, measured)[-1]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("parts", [1, 7])
def test_means_and_interval_are_those_of_a_paired_t_test(task, parts):
    labels, candidate, baseline = rows(task, 400, (0.8, 0.5))
    losses = compare(task, labels, candidate, baseline, parts)
    ours, theirs = (loss_of(task, labels, each) for each in (candidate, baseline))
    assert losses.rows == 400
    assert losses.before == pytest.approx(theirs)
    assert losses.difference == pytest.approx(ours - theirs)
    by_row = [
        [
            loss_of(task, labels[[n]], each[[n]])
            if task is Task.REGRESSION
            else sklearn_metrics.log_loss(
                labels[[n]], each[[n]], labels=range(2 if task is Task.BINARY else 3)
            )
            for n in range(400)
        ]
        for each in (candidate, baseline)
    ]
    expected = stats.ttest_rel(*by_row).confidence_interval(0.9)
    assert losses.interval(0.9) == pytest.approx(tuple(expected), rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("parts", [1, 9])
def test_the_unit_is_the_loss_of_a_strong_model_and_the_gain_of_a_weak_one(task, parts):
    labels, other = rows(task, 5000, (0.0,))
    if task is Task.REGRESSION:
        strong, constant = labels + 0.01, np.full(len(labels), labels.mean())
    else:
        classes = np.eye(labels.max() + 1)
        strong = (classes * 0.97 + 0.01)[labels]
        strong /= strong.sum(axis=1, keepdims=True)
        constant = np.tile(classes[labels].mean(axis=0), (len(labels), 1))
        if task is Task.BINARY:
            strong, constant = strong[:, 1], constant[:, 1]
    weak = 0.9 * constant + 0.1 * other
    loss = loss_of(task, labels, strong)
    gain = loss_of(task, labels, constant) - loss_of(task, labels, weak)
    assert compare(task, labels, other, strong, parts).scale() == pytest.approx(loss, rel=1e-6)
    assert compare(task, labels, other, weak, parts).scale() == pytest.approx(gain, rel=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_a_worse_model_is_refused_with_numbers_and_what_to_do(task):
    labels, candidate, baseline = rows(task, 500, (2.0, 0.0))
    refused = check(task, labels, candidate, baseline)
    name = PairedLoss(task).name
    assert (refused.name, refused.passed) == (f"{name}: paired test", False)
    worse = loss_of(task, labels, candidate) - loss_of(task, labels, baseline)
    assert refused.detail.startswith(
        f"{name} is {worse:.4g} worse than the baseline's "
        f"{loss_of(task, labels, baseline):.4g} on the same 500 rows (95% interval of the "
        "difference +"
    )
    assert refused.detail.endswith(
        "train on more rows, or change evaluation.paired_test in configs/dataset.yaml"
    )


@pytest.mark.parametrize("task", TASKS)
def test_an_equal_and_a_better_model_pass(task):
    labels, worse, better = rows(task, 500, (2.0, 0.0))
    assert check(task, labels, better, better, tolerance=0).passed
    assert "better than the baseline's" in check(task, labels, better, worse, tolerance=0).detail
    assert check(task, labels, better, worse, tolerance=0).passed


@pytest.mark.parametrize("task", TASKS)
def test_what_is_significant_and_small_passes_up_to_the_tolerance(task):
    labels, candidate, baseline = rows(task, 200_000, (0.15, 0.0))
    assert not check(task, labels, candidate, baseline, tolerance=0).passed
    assert check(task, labels, candidate, baseline).passed


@pytest.mark.parametrize("task", TASKS)
def test_models_that_differ_by_chance_are_refused_no_more_often_than_the_confidence_allows(task):
    refused = 0
    for seed in range(400):
        labels, candidate, baseline = rows(task, 60, (0.5, 0.5), seed)
        refused += not check(task, labels, candidate, baseline, tolerance=0).passed
    assert refused <= 22  # 10 are expected, and more than 22 once in 2,000 times


def test_less_than_two_rows_cannot_be_compared():
    assert check(Task.BINARY, *rows(Task.BINARY, 1, (2.0, 0.0))).passed


def test_predictions_that_are_no_numbers_are_refused():
    labels, candidate, baseline = rows(Task.BINARY, 50)
    candidate[3] = np.nan
    refused = check(Task.BINARY, labels, candidate, baseline)
    assert not refused.passed
    assert "not defined" in refused.detail

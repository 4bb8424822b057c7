"""Areas under curves against scikit-learn's, however the rows are cut and merged."""

import numpy as np
import pytest
from sklearn import metrics

from components.evaluator.cells import _AreaCombiner


def measured(curve, labels, predictions, parts=3):
    combiner = _AreaCombiner("area", curve)
    cut = [combiner.measure(labels[i::parts], predictions[i::parts]) for i in range(parts)]
    return combiner.extract_output(combiner.merge_accumulators(cut[::-1]))["area"]


def rows(classes=2, number=2000):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(number, classes)).round(1)  # so that many are equal
    predictions = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = (predictions.cumsum(axis=1) < rng.random((number, 1))).sum(axis=1)
    return labels, predictions


def test_two_classes():
    labels, predictions = rows()
    positive = predictions[:, 1:]
    roc = measured("roc", labels, positive)
    assert roc == pytest.approx(
        metrics.roc_auc_score(labels, positive), abs=1e-4
    )  # cells are shared
    curve = measured("precision recall", labels, positive)
    assert curve == pytest.approx(metrics.average_precision_score(labels, positive), abs=0.005)


def test_several_classes_count_the_same():
    labels, predictions = rows(classes=4)
    expected = metrics.roc_auc_score(labels, predictions, multi_class="ovr")
    assert measured("roc", labels, predictions) == pytest.approx(expected, abs=1e-4)


def test_a_class_without_rows_is_left_out():
    labels, predictions = rows(classes=3)
    kept = labels < 2
    areas = [metrics.roc_auc_score(labels[kept] == one, predictions[kept, one]) for one in (0, 1)]
    found = measured("roc", labels[kept], predictions[kept])
    assert found == pytest.approx(np.mean(areas), abs=1e-4)


@pytest.mark.parametrize("curve", ["roc", "precision recall"])
def test_without_both_classes_there_is_no_area(curve):
    assert np.isnan(measured(curve, np.zeros(9), np.linspace(0, 1, 9)[:, np.newaxis]))


def test_a_perfect_order_has_the_whole_area():
    labels, predictions = np.arange(8) > 3, np.linspace(0, 1, 8)[:, np.newaxis]
    assert measured("roc", labels, predictions) == 1
    assert measured("precision recall", labels, predictions) == pytest.approx(1)

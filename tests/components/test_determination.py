"""R² and the squared correlation, however Beam cuts and merges the rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from components.evaluator.determination import _Correlation, _Determination

BOTH = pytest.mark.parametrize("kind", [_Determination, _Correlation])


def measured(labels, predictions, parts=3, kind=_Determination):
    combiner = kind(key="it")
    labels, predictions = np.asarray(labels), np.asarray(predictions)[:, np.newaxis]
    found = [
        combiner.measure(labels[part], predictions[part])
        for part in (slice(start, None, parts) for start in range(parts))
    ]
    return combiner.extract_output(combiner.merge_accumulators(found[::-1]))["it"]


@pytest.mark.parametrize("parts", [1, 3, 200])
@pytest.mark.parametrize("offset", [0.0, 1e9], ids=["small", "far from zero"])
def test_they_are_those_of_scikit_learn_and_numpy(parts, offset):
    rng = np.random.default_rng(0)
    labels = offset + rng.normal(size=99)
    predictions = labels + rng.normal(size=99)
    for guess in (predictions, np.full(99, offset + 3.0)):
        assert measured(labels, guess, parts) == pytest.approx(r2_score(labels, guess), abs=1e-6)
    expected = np.corrcoef(labels, predictions)[0, 1] ** 2
    assert measured(labels, predictions, parts, _Correlation) == pytest.approx(expected, abs=1e-6)


def test_what_is_off_by_a_constant_is_worse_though_as_correlated():
    labels = np.arange(10.0)
    assert measured(labels, labels) == 1
    assert measured(labels, labels + 5) < 0
    assert measured(labels, labels + 5, kind=_Correlation) == pytest.approx(1)


@BOTH
@pytest.mark.parametrize("label", [2.0, 0.3, 7.7, 1e6 + 0.1])
@pytest.mark.parametrize("rows", [2, 333, 1000])
def test_they_are_not_defined_for_labels_that_are_all_the_same(kind, label, rows):
    predictions = np.random.default_rng(0).normal(size=rows)
    assert np.isnan(measured(np.full(rows, label), predictions, kind=kind))


@BOTH
def test_they_are_not_defined_without_rows(kind):
    assert np.isnan(measured([], [], kind=kind))

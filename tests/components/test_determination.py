"""R² against scikit-learn's, however Beam cuts and merges the rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from components.evaluator.determination import _Combiner


def measured(labels, predictions, parts=3):
    combiner = _Combiner(key="r2")
    labels, predictions = np.asarray(labels), np.asarray(predictions)[:, np.newaxis]
    sums = [
        combiner.measure(labels[part], predictions[part])
        for part in (slice(start, None, parts) for start in range(parts))
        if len(labels[part])
    ]
    return combiner.extract_output(combiner.merge_accumulators(sums[::-1]))["r2"]


@pytest.mark.parametrize("parts", [1, 3, 200])
@pytest.mark.parametrize("offset", [0.0, 1e9], ids=["small", "far from zero"])
def test_it_is_that_of_scikit_learn(parts, offset):
    rng = np.random.default_rng(0)
    labels = offset + rng.normal(size=99)
    for predictions in (labels + rng.normal(size=99), np.full(99, offset + 3.0)):
        expected = r2_score(labels, predictions)
        assert measured(labels, predictions, parts) == pytest.approx(expected, abs=1e-6)


def test_what_is_off_by_a_constant_is_worse_though_as_correlated():
    labels = np.arange(10.0)
    assert measured(labels, labels) == 1
    assert measured(labels, labels + 5) < 0


def test_it_is_not_defined_for_labels_that_are_all_the_same():
    assert np.isnan(measured([2.0, 2.0], [1.0, 3.0]))
    assert np.isnan(measured([], []))

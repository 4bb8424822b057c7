"""The expected calibration error against a plain version of it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.plain_metrics import expected_calibration_error
from components.evaluator.calibration import equal_mass_error
from components.evaluator.cells import CELLS, _ErrorCombiner


def counted(probabilities, outcomes):
    """What Beam makes of rows: parts of them counted apart, then merged in any order."""
    combiner = _ErrorCombiner(key="error")
    parts = [
        combiner.measure(outcomes[start::3], probabilities[start::3, np.newaxis])
        for start in range(3)
    ]
    return combiner.extract_output(combiner.merge_accumulators(parts[::-1]))["error"]


def rows(number, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(0.5, 1.5, number)
    return probabilities, (rng.random(number) < probabilities**1.2).astype(float)


@pytest.mark.parametrize("number", [15 * 40, 1_000, 4_999, 7])
def test_it_is_exact_when_each_cell_holds_one_row(number):
    rng = np.random.default_rng(0)
    probabilities = (rng.choice(CELLS, number, replace=False) + 0.5) / CELLS
    outcomes = (rng.random(number) < 0.3).astype(float)
    error = counted(probabilities, outcomes)
    assert error == pytest.approx(expected_calibration_error(probabilities, outcomes), abs=1e-12)
    assert error > 0.1


@pytest.mark.parametrize("number", [1_000, 5_000])
def test_it_is_within_a_thousandth_of_the_plain_version_when_cells_are_shared(number):
    for seed in range(5):
        probabilities, outcomes = rows(number, seed)
        expected = expected_calibration_error(probabilities, outcomes)
        assert counted(probabilities, outcomes) == pytest.approx(expected, abs=1e-3)


def test_a_constant_prediction_is_off_by_its_distance_from_the_mean():
    outcomes = np.tile([0.0, 0.0, 0.0, 1.0], 250)
    assert counted(np.full(1000, 0.4), outcomes) == pytest.approx(0.15)


def test_without_rows_it_is_not_defined():
    assert np.isnan(equal_mass_error(np.empty((0, 3)), 15))

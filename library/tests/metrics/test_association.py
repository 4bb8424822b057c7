"""Association of a column with a label, and sums that are the label."""

import numpy as np
import pytest

from tfxkit.metrics.association import (
    LEAK,
    find_weighted_sum,
    group_values,
    measure_association,
    rank,
)

ROWS = 2000
RANDOM = np.random.default_rng(0)
PRESENT = np.zeros(ROWS, bool)


def test_a_column_that_agrees_with_the_label_in_all_but_few_rows():
    label = RANDOM.integers(0, 2, ROWS).astype(float)
    column = np.where(np.arange(ROWS) < 20, 1 - label, label)  # wrong in 20 of about 1,000
    found = measure_association(group_values(column, PRESENT), label, numeric=False)
    assert found == pytest.approx(1 - 20 / min(label.sum(), ROWS - label.sum()), abs=0.01)
    assert found >= LEAK


def test_the_logarithm_of_a_number_determines_it_and_noise_does_not():
    label = RANDOM.lognormal(0, 2, ROWS)
    for column, low, high in ((np.log(label), 0.99, 1.0), (RANDOM.normal(size=ROWS), 0.0, 0.1)):
        found = measure_association(group_values(column, PRESENT), rank(label), numeric=True)
        assert low <= found <= high


def test_parts_of_a_sum_are_found_by_name():
    casual, registered = RANDOM.poisson(40, ROWS), RANDOM.poisson(150, ROWS) * 1.0
    columns = {"casual": casual * 1.0, "registered": registered, "hour": RANDOM.normal(size=ROWS)}
    assert find_weighted_sum(columns, casual + registered) == ("casual", "registered")
    noisy = casual + registered + RANDOM.normal(0, 4, ROWS)
    assert find_weighted_sum(columns, noisy) == ()


def test_a_row_without_a_part_is_left_out_of_the_sum():
    part, other = RANDOM.normal(size=ROWS), RANDOM.normal(size=ROWS)
    label = part - 2 * other
    part = np.where(np.arange(ROWS) % 3 == 0, np.nan, part)
    columns = {"part": part, "other": other, "constant": np.ones(ROWS)}
    assert find_weighted_sum(columns, label) == ("part", "other")


def test_few_rows_and_a_constant_prove_nothing():
    assert find_weighted_sum({"x": np.arange(50.0)}, np.arange(50.0)) == ()
    assert find_weighted_sum({"x": RANDOM.normal(size=ROWS)}, np.ones(ROWS)) == ()

"""The distances behind drift and skew, against TFDV's own and against what they must not do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from tfxkit.components.data_gate.drift import NotComparableError, infinity_norm, jensen_shannon


def column(values):
    statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame({"x": values}))
    return statistics.datasets[0].features[0]


def measured_by_tfdv(new, old, **threshold):
    after, before = (
        tfdv.generate_statistics_from_dataframe(pd.DataFrame({"x": values}))
        for values in (new, old)
    )
    schema = tfdv.infer_schema(before)
    comparator = tfdv.get_feature(schema, "x").drift_comparator
    for name, value in threshold.items():
        getattr(comparator, name).threshold = value
    anomalies = tfdv.validate_statistics(after, schema, previous_statistics=before)
    return anomalies.drift_skew_info[0].drift_measurements[0].value


def test_infinity_norm_is_that_of_tfdv():
    old, new = ["a"] * 60 + ["b"] * 40, ["a"] * 35 + ["b"] * 45 + ["c"] * 20
    distance, value = infinity_norm(column(new), column(old))
    assert (distance, value) == (pytest.approx(0.25), "a")
    assert distance == pytest.approx(measured_by_tfdv(new, old, infinity_norm=0.01))


def test_an_outlier_decides_about_tfdvs_divergence_and_not_about_this_one():
    rng = np.random.default_rng(0)
    old, new = rng.lognormal(size=(2, 2000))
    old[0] = 1710.0
    assert measured_by_tfdv(new, old, jensen_shannon_divergence=0.01) > 0.3
    assert jensen_shannon(column(new), column(old)) < 0.01


def test_the_divergence_grows_with_the_distance_up_to_one():
    old = np.random.default_rng(0).normal(size=2000)
    distances = [jensen_shannon(column(old + shift), column(old)) for shift in (0, 0.5, 1, 2, 100)]
    assert distances[0] == 0
    assert distances == sorted(distances)
    assert distances[-1] > 0.7


@pytest.mark.parametrize("distance", [jensen_shannon, lambda *x: infinity_norm(*x)[0]])
def test_gaps_are_a_change(distance):
    values = ["a", "b"] if distance is not jensen_shannon else [1.0, 2.0]
    with_gaps = pd.Series([*values, None, None] * 50)
    assert distance(column(with_gaps), column(values * 100)) >= 0.3
    assert distance(column(with_gaps), column(with_gaps)) == 0


def test_distances_refuse_columns_of_the_wrong_kind():
    with pytest.raises(NotComparableError, match="columns of numbers"):
        jensen_shannon(column(["a"]), column(["a"]))
    with pytest.raises(NotComparableError, match="columns of text"):
        infinity_norm(column([1.0]), column([1.0]))

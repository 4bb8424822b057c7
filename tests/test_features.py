"""The features in `models/features.py`, computed from rows of this project's data.

These tests pass with any features. For a feature of your own, add a test of its values:

    def test_the_unit_price_is_missing_without_items(features, rows):
        empty = features(rows.head(1).assign(amount=5.0, items=0.0))
        assert empty["unit_price"] == -1
"""

from __future__ import annotations

import numpy as np


def test_every_row_has_a_value_of_every_feature(features, rows):
    values = features(rows)
    for feature in features.inputs:
        shape = (len(rows), feature.length) if feature.length else (len(rows),)
        assert values[feature.name].shape == shape, feature.name
        assert np.isfinite(values[feature.name]).all(), feature.name


def test_values_are_in_the_range_that_the_network_expects(features, rows):
    values = features(rows)
    for feature in features.inputs:
        lowest, highest = values[feature.name].min(), values[feature.name].max()
        if feature.codes:
            assert 0 <= lowest <= highest < feature.codes, feature.name
        elif feature.kind == "rank":
            assert -1 <= lowest <= highest <= 1, feature.name  # -1 is a missing value


def test_a_row_alone_has_the_features_that_it_has_among_others(features, rows):
    """Serving computes the features of one row, training those of many."""
    together, alone = features(rows), features(rows.head(1))
    for name, values in alone.items():
        np.testing.assert_allclose(values[0], together[name][0], rtol=1e-5, err_msg=name)


def test_the_label_is_not_needed(config, features, rows):
    without = rows.drop(columns=list(config.dataset.label_sources()), errors="ignore")
    assert features(without).keys() == {feature.name for feature in features.inputs}

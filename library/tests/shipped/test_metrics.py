"""The metric in `models/metrics.py` as shipped."""

import numpy as np

from models import metrics
from tfxkit.metrics import Rows
from tfxkit.metrics.functions import load


def test_the_lift_of_the_top_tenth():
    weights = np.ones(100)
    labels, scores = np.repeat([0.0, 1.0], [80, 20]), np.linspace(0, 1, 100)
    assert metrics.top_decile_lift(labels, scores, weights) == 5
    assert metrics.top_decile_lift(labels, -scores, weights) == 0
    assert np.isnan(metrics.top_decile_lift(np.zeros(100), scores, weights))
    assert load("models.metrics.top_decile_lift").value(Rows.of(labels, scores)) == 5

"""The metrics in `models/metrics.py`: values that can be checked by hand."""

from __future__ import annotations

import numpy as np

from models import metrics


def test_top_decile_lift():
    labels, weights = np.repeat([0.0, 1.0], [80, 20]), np.ones(100)
    scores = np.linspace(0, 1, 100)
    assert metrics.top_decile_lift(labels, scores, weights) == 5  # 100 % positives, against 20 %
    assert metrics.top_decile_lift(labels, -scores, weights) == 0
    assert np.isnan(metrics.top_decile_lift(np.zeros(100), scores, weights))

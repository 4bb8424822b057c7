"""Metrics of your own: functions of labels, predictions and weights that return one number.

This file is yours to change. To measure a metric, name its function in `configs/dataset.yaml` under
`evaluation.metrics`; thresholds and slices work as for any other metric (docs/extending.md). Labels
are classes (0, 1, …) or numbers, of shape [rows]. Predictions have the shape [rows] or
[rows, classes], weights the shape [rows]. Return `float("nan")` where a metric is not defined.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def top_decile_lift(labels: Array, predictions: Array, weights: Array) -> float:
    """Share of positives in the tenth with the highest scores, relative to the share in all rows.

    An example, yours to replace, for a binary task such as a campaign that reaches one customer in
    ten: `lift: {function: models.metrics.top_decile_lift}`.
    """
    tenth = np.argsort(-predictions, kind="stable")[: max(1, len(labels) // 10)]
    if not labels.any():
        return float("nan")
    everywhere = np.average(labels, weights=weights)
    return float(np.average(labels[tenth], weights=weights[tenth]) / everywhere)

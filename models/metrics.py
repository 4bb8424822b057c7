"""Metrics of your own: functions of labels, predictions and weights that return one number.

A metric is measured once `configs/dataset.yaml` names it under `evaluation.metrics`; it can have
thresholds and slices as any other (docs/extending.md). Labels are classes (0, 1, …) or numbers, one
for each row; predictions are one for each row, or of shape [rows, classes]; weights are one for
each row. A function returns `float("nan")` where its metric is not defined.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def top_decile_lift(labels: Array, predictions: Array, weights: Array) -> float:
    """Share of positives in the tenth with the highest scores, as a multiple of that in all rows.

    An example, yours to replace. It suits a binary task, such as a campaign that reaches one
    customer in ten:
    `lift: {function: models.metrics.top_decile_lift}`.
    """
    tenth = np.argsort(-predictions, kind="stable")[: max(1, len(labels) // 10)]
    if not labels.any():
        return float("nan")
    everywhere = np.average(labels, weights=weights)
    return float(np.average(labels[tenth], weights=weights[tenth]) / everywhere)

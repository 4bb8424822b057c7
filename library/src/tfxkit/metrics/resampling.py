"""Measurement of many metrics on many resamples of the same rows at once.

TFMA's own confidence intervals cost 6 to 40 times the evaluation, since they run Beam for each
resample. Here a resample is a column of weights, and most metrics are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from tfxkit.metrics.definition import Array, Metric, Rows, Weights
from tfxkit.metrics.sums import Sums

Measurer: TypeAlias = Callable[[Weights], dict[str, Array]]


def measurer(metrics: Mapping[str, Metric], rows: Rows) -> Measurer:
    """Prepares the measurement, with all that is the same in each resample.

    Args:
        metrics: Metrics by name; those without an interval are left out.
        rows: Rows to measure.

    Returns:
        A function of weights with a column for each resample. It returns the metrics by name,
        [resamples]; NaN in resamples without a value, as with a single class.
    """
    resampled = {name: metric for name, metric in metrics.items() if metric.has_interval}
    of_sums = {name: m for name, m in resampled.items() if isinstance(m, Sums)}
    others = {
        name: (metric.most_resamples, metric.resampled(rows))
        for name, metric in resampled.items()
        if name not in of_sums
    }
    # The sums of all metrics in one product: exact to about six digits.
    parts = {name: metric.of_rows(rows) for name, metric in of_sums.items()}
    ends = np.cumsum([len(part) for part in parts.values()])
    values = np.concatenate([*parts.values(), np.empty((0, len(rows)))]).astype(np.float32)
    measured_before = dict.fromkeys(others, 0)

    def measured(weights: Weights) -> dict[str, Array]:
        sums = (values @ weights).astype(np.float64)
        found = {
            name: metric.of_sums(part)
            for (name, metric), part in zip(of_sums.items(), np.split(sums, ends), strict=False)
        }
        for name, (most, measure) in others.items():
            left = weights.shape[1] if most is None else most - measured_before[name]
            some = weights[:, :left] if left < weights.shape[1] else weights
            found[name] = measure(some) if left > 0 else np.empty(0)
            measured_before[name] += some.shape[1]
        return found

    return measured

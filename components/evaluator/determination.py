"""R², the coefficient of determination, as a metric of TFMA.

tf_keras has one, whose state TFMA (0.52) cannot merge; TFMA's own squared Pearson correlation is
another number: it is blind to a prediction that is off by a constant or a factor.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.combined import Array, Combiner, computations


class CoefficientOfDetermination(metric_types.Metric):
    """1 - squared errors / squared distances of the labels from their mean.

    1 is perfect, 0 no better than the mean of the labels that are measured, and below 0 worse.
    Not defined (NaN) where the labels are all the same.
    """

    def __init__(self, name: str) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
        """
        super().__init__(computations(_Combiner), name=name)


@dataclasses.dataclass(frozen=True)
class _Sums:
    rows: float = 0.0
    mean: float = 0.0  # of the labels
    spread: float = 0.0  # of the labels: the sum of squared distances from their mean
    errors: float = 0.0  # the sum of squared errors

    def __add__(self, other: _Sums) -> _Sums:
        """Chan, Golub and LeVeque (1979): no sum of squares, which would lose a small spread."""
        rows = self.rows + other.rows
        if not rows:
            return self
        share = other.rows / rows
        distance = other.mean - self.mean
        return _Sums(
            rows,
            self.mean + distance * share,
            self.spread + other.spread + distance**2 * self.rows * share,
            self.errors + other.errors,
        )


class _Combiner(Combiner):
    def measure(self, labels: Array, predictions: Array) -> _Sums:
        y = labels.astype(np.float64)
        errors = float(np.sum((y - predictions[:, 0]) ** 2))
        return _Sums(len(y), float(y.mean()), float(np.sum((y - y.mean()) ** 2)), errors)

    def finish(self, measured: _Sums) -> float:
        return 1 - measured.errors / measured.spread if measured.spread else float("nan")

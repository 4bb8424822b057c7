"""Metrics of how labels and predictions spread around their means.

R²: tf_keras has one, whose state TFMA (0.52) cannot merge. The squared Pearson correlation is
another number: it is blind to a prediction that is off by a constant or a factor.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.combined import Array, Combiner, computations

# A spread below this share of the mean is that of rounding: the values are all the same.
_ROUNDING = 1e-12


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
        super().__init__(computations(_Determination), name=name)


class SquaredCorrelation(metric_types.Metric):
    """The square of Pearson's; not defined (NaN) where labels or predictions are all the same."""

    def __init__(self, name: str) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
        """
        super().__init__(computations(_Correlation), name=name)


@dataclasses.dataclass(frozen=True)
class _Moments:
    rows: int
    means: Array  # of labels and predictions
    products: Array  # [2, 2]: the sums of products of their distances from these means
    errors: float  # the sum of squared errors

    def __add__(self, other: _Moments) -> _Moments:
        """Chan, Golub and LeVeque (1979): no sum of squares, which would lose a small spread."""
        if not (self.rows and other.rows):
            return self if self.rows else other
        rows = self.rows + other.rows
        share = other.rows / rows
        distance = other.means - self.means
        return _Moments(
            rows,
            self.means + distance * share,
            self.products + other.products + np.outer(distance, distance) * self.rows * share,
            self.errors + other.errors,
        )

    def spreads(self) -> Array:
        """The sums of squared distances; 0 where all values are the same."""
        spreads = np.diag(self.products)
        return np.where(spreads > self.rows * (_ROUNDING * self.means) ** 2, spreads, 0.0)


class _Combiner(Combiner):
    def measure(self, labels: Array, predictions: Array) -> _Moments:
        both = np.stack([labels.astype(np.float64), predictions[:, 0]])
        means = both.mean(axis=1) if len(labels) else np.zeros(2)
        distances = both - means[:, np.newaxis]
        errors = float(np.sum((both[0] - both[1]) ** 2))
        return _Moments(len(labels), means, distances @ distances.T, errors)


class _Determination(_Combiner):
    def finish(self, measured: _Moments) -> float:
        spread = measured.spreads()[0]
        return float(1 - measured.errors / spread) if spread else float("nan")


class _Correlation(_Combiner):
    def finish(self, measured: _Moments) -> float:
        spreads = measured.spreads().prod()
        return float(measured.products[0, 1] ** 2 / spreads) if spreads else float("nan")

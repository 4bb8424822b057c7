"""Metrics computed from sums over the rows: means, ratios of counts, R²."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tfxkit.metrics.definition import Array, Metric, Resampled, Rows, Weights, ratio

_EPSILON = 1e-7  # keeps logarithms finite, as Keras does
# A spread below this share of the mean is due to rounding: the values are all the same.
_ROUNDING = 1e-12
_FLOAT32 = 1e-6  # the same for sums of 32 bits


class Sums(Metric):
    """A metric that is a function of sums over the rows.

    Args:
        of_rows: Takes labels, [rows], and predictions, [rows] or [rows, classes]. Returns what is
            summed up, [sums, rows].
        finish: Takes the sums, [sums] or [sums, resamples]; returns the metric, of the shape
            without the first axis.
    """

    def __init__(
        self, of_rows: Callable[[Array, Array], Any], finish: Callable[[Array], Array]
    ) -> None:
        """Sets the two halves of the definition."""
        self._of_rows, self.of_sums = of_rows, finish

    def of_rows(self, rows: Rows) -> Array:
        """Summands of each row, [sums, rows]."""
        return np.atleast_2d(np.asarray(self._of_rows(rows.labels, rows.predictions), np.float64))

    def measure(self, rows: Rows) -> Array:
        """Sums over the rows."""
        return self.of_rows(rows).sum(axis=1)

    def finish(self, statistics: Array) -> float:
        """The metric."""
        return float(self.of_sums(statistics))

    def resampled(self, rows: Rows) -> Resampled:
        """Metric of each resample, exact to about six digits, in half the time of exact sums."""
        values = self.of_rows(rows).astype(np.float32)
        return lambda weights: self.of_sums((values @ weights).astype(np.float64))


def mean(values: Callable[[Array, Array], Array]) -> Sums:
    """Mean of a number of each row."""
    return Sums(lambda y, p: [values(y, p), np.ones(len(y))], lambda sums: ratio(sums[0], sums[1]))


def count() -> Sums:
    """Number of rows."""
    return Sums(lambda y, _: np.ones(len(y)), lambda sums: sums[0])


def mean_label() -> Sums:
    """Mean of the labels."""
    return mean(lambda y, _: y)


def accuracy(threshold: float) -> Sums:
    """Share of rows whose predicted class is the label."""
    return mean(lambda y, p: _decided(p, threshold) == y)


def top_k_accuracy(k: int) -> Sums:
    """Share of rows whose label is among the `k` most likely classes."""

    def among_first(y: Array, p: Array) -> Array:
        own = p[np.arange(len(y)), y.astype(np.intp)][:, np.newaxis]
        # Classes with equal scores keep their order.
        earlier = (p == own) & (np.arange(p.shape[1]) < y[:, np.newaxis])
        return (p > own).sum(axis=1) + earlier.sum(axis=1) < k

    return mean(among_first)


def log_loss() -> Sums:
    """Cross entropy of labels and predicted probabilities, in nats."""

    def of_label(y: Array, p: Array) -> Array:
        if p.ndim == 1:
            p = np.stack([1 - p, p], axis=1)
        share = p[np.arange(len(y)), y.astype(np.intp)] / p.sum(axis=1)
        return -np.log(np.clip(share, _EPSILON, 1 - _EPSILON))

    return mean(of_label)


def calibration() -> Sums:
    """Mean prediction divided by the mean label."""
    return Sums(lambda y, p: [p, y], lambda sums: ratio(sums[0], sums[1]))


# Each is a function of true positives, positive labels, positive predictions and all rows.
_OF_COUNTS: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "precision": lambda hits, _, predicted, __: ratio(hits, predicted),
    "recall": lambda hits, labelled, _, __: ratio(hits, labelled),
    "f1": lambda hits, labelled, predicted, _: ratio(2 * hits, labelled + predicted),
    "specificity": lambda hits, labelled, predicted, rows: ratio(
        rows - labelled - predicted + hits, rows - labelled
    ),
}


def of_counts(name: str, threshold: float, for_class: int | None) -> Sums:
    """`precision`, `recall`, `f1` or `specificity`.

    Binary: for label 1, predicted if the probability is above the threshold. Multiclass: for one
    class against the rest, predicted if it is the most likely one; or, without `for_class`, the
    mean over the classes of labels or predictions, with 0 for undefined values, as in
    scikit-learn.

    Args:
        name: Name of the metric.
        threshold: Threshold of the decision; binary only.
        for_class: Index of the class; multiclass only.
    """
    formula = _OF_COUNTS[name]

    def rows(y: Array, p: Array) -> Array:
        classes = np.arange(p.shape[1]) if p.ndim > 1 else np.ones(1)
        if for_class is not None:
            classes = np.full(1, for_class)
        labelled = y == classes[:, np.newaxis]
        predicted = _decided(p, threshold) == classes[:, np.newaxis]
        return np.concatenate([labelled & predicted, labelled, predicted, np.ones((1, len(y)))])

    def finish(sums: Array) -> Array:
        ends = [number * (len(sums) // 3) for number in (1, 2, 3)]
        hits, labelled, predicted, total = np.split(sums, ends)
        values = formula(hits, labelled, predicted, total)
        if len(values) == 1:
            return values[0]
        present = labelled + predicted > 0
        of_present = np.where(present, np.nan_to_num(values), 0)
        return ratio(of_present.sum(axis=0), present.sum(axis=0))

    return Sums(rows, finish)


def mse() -> Sums:
    """Mean squared error."""
    return mean(lambda y, p: (p - y.astype(np.float64)) ** 2)


def rmse() -> Sums:
    """Root of the mean squared error."""
    squared = mse()
    return Sums(squared._of_rows, lambda sums: np.sqrt(squared.of_sums(sums)))


def mae() -> Sums:
    """Mean absolute error."""
    return mean(lambda y, p: np.abs(p - y))


def mape() -> Sums:
    """Mean of |error| / |label| over the rows whose label is not 0."""

    def rows(y: Array, p: Array) -> list[Array]:
        return [np.nan_to_num(ratio(np.abs(p - y), np.abs(y))), y != 0]

    return Sums(rows, lambda sums: ratio(sums[0], sums[1]))


def quantile_loss(quantile: float) -> Sums:
    """Pinball loss, whose best constant prediction is a quantile of the labels."""
    return mean(lambda y, p: np.maximum(quantile * (y - p), (quantile - 1) * (y - p)))


def _decided(predictions: Array, threshold: float) -> Array:
    """Predicted class of each row."""
    return predictions.argmax(axis=1) if predictions.ndim > 1 else predictions > threshold


@dataclasses.dataclass(frozen=True)
class Moments:
    """Means and products of distances from them, of labels, predictions and errors.

    Attributes:
        rows: The number of rows, a scalar or [resamples].
        means: [3] or [3, resamples].
        products: [3, 3] or [3, 3, resamples]: sums of products of distances from the means.
    """

    rows: Array | np.float64
    means: Array
    products: Array

    def __add__(self, other: Moments) -> Moments:
        """Chan, Golub and LeVeque (1979): no sum of squares, which would lose a small spread."""
        if not (self.rows and other.rows):
            return self if self.rows else other
        rows = self.rows + other.rows
        share = other.rows / rows
        distance = other.means - self.means
        return Moments(
            rows,
            self.means + distance * share,
            self.products + other.products + np.outer(distance, distance) * self.rows * share,
        )

    def spread(self, column: int) -> Array:
        """Sum of squared distances; 0 if all values are the same."""
        spread, middle = self.products[column, column], self.means[column]
        return np.where(spread > self.rows * (_ROUNDING * middle) ** 2, spread, 0.0)


class OfMoments(Metric):
    """A metric computed from the moments of labels and predictions."""

    def __init__(self, formula: Callable[[Moments], Array]) -> None:
        """Sets the formula."""
        self._formula = formula

    def measure(self, rows: Rows) -> Moments:
        """Moments of the rows."""
        columns = _columns(rows)
        means = columns.mean(axis=1) if len(rows) else np.zeros(3)
        distances = columns - means[:, np.newaxis]
        return Moments(np.float64(len(rows)), means, distances @ distances.T)

    def finish(self, statistics: Moments) -> float:
        """The metric."""
        return float(self._formula(statistics))

    def resampled(self, rows: Rows) -> Resampled:
        """Metric of each resample, from distances to the means of all rows, to keep digits."""
        columns = _columns(rows)
        middle = columns.mean(axis=1, keepdims=True) if len(rows) else np.zeros((3, 1))
        columns = columns - middle
        pairs = [columns[a] * columns[b] for a in range(3) for b in range(3)]
        values = np.concatenate([np.ones((1, len(rows))), columns, pairs]).astype(np.float32)

        def measured(weights: Weights) -> Array:
            sums = (values @ weights).astype(np.float64)
            means = ratio(sums[1:4], sums[0])
            squares = sums[4:].reshape(3, 3, -1)
            products = squares - sums[0] * means[np.newaxis] * means[:, np.newaxis]
            products = np.where(np.abs(products) > _FLOAT32 * np.abs(squares), products, 0.0)
            return self._formula(Moments(sums[0], means + middle, products))

        return measured


def _columns(rows: Rows) -> Array:
    labels = rows.labels.astype(np.float64)
    return np.stack([labels, rows.predictions, rows.predictions - labels])


def r2() -> OfMoments:
    """1 - squared errors / squared distances of the labels from their mean.

    1 is perfect, 0 no better than the mean of the measured labels, and below 0 worse. Not defined
    if all labels are the same. tf_keras has an R² whose state TFMA (0.52) cannot merge.
    """

    def formula(moments: Moments) -> Array:
        errors = moments.products[2, 2] + moments.rows * moments.means[2] ** 2
        return 1 - ratio(errors, moments.spread(0))

    return OfMoments(formula)


def squared_correlation() -> OfMoments:
    """Square of Pearson's correlation; not defined if labels or predictions are all the same.

    Unlike R², it ignores a constant or a factor in the predictions.
    """
    return OfMoments(
        lambda moments: ratio(moments.products[0, 1] ** 2, moments.spread(0) * moments.spread(1))
    )

"""Built-in metrics: means, ratios of counts, R², areas under curves, calibration error.

Areas and the calibration error follow from the order of the predictions. Beam merges parts of a
slice in any order, so the Evaluator counts predictions in narrow cells. That is exact if each cell
holds one row or equal rows; otherwise the deviation of an area or an error is below 0.001. The
report sorts its rows, and is exact.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tfxkit.metrics.definition import (
    Array,
    CurveSteps,
    Metric,
    Resampled,
    ResampledMetric,
    Rows,
    Sums,
    Weights,
    ratio,
)

CELLS = 100_000  # of scores, from 0 to 1
CALIBRATION_BINS = 15
_EPSILON = 1e-7  # keeps logarithms finite, as Keras does
# A spread below this share of the mean is due to rounding: the values are all the same.
_ROUNDING = 1e-12
_FLOAT32 = 1e-6  # the same for sums of 32 bits


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
    return mean(log_losses)


def log_losses(labels: Array, predictions: Array) -> Array:
    """Cross entropy of each row.

    Args:
        labels: Classes, [rows].
        predictions: Probabilities: of label 1, [rows], or of each class, [rows, classes].
    """
    p = predictions
    if p.ndim == 1:
        p = np.stack([1 - p, p], axis=1)
    share = p[np.arange(len(labels)), labels.astype(np.intp)] / p.sum(axis=1)
    return -np.log(np.clip(share, _EPSILON, 1 - _EPSILON))


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
    return mean(squared_errors)


def rmse() -> Sums:
    """Root of the mean squared error."""
    return Sums(
        lambda y, p: [squared_errors(y, p), np.ones(len(y))],
        lambda sums: np.sqrt(ratio(sums[0], sums[1])),
    )


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


def squared_errors(labels: Array, predictions: Array) -> Array:
    """Squared error of each row of a regression."""
    return (predictions - labels.astype(np.float64)) ** 2


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


class OfMoments(ResampledMetric):
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


def area_under_roc(steps: CurveSteps) -> Array:
    """Probability that a hit has a higher score than another row; equal scores count half."""
    positives = steps.hits.sum(axis=0, dtype=np.float64)
    negatives = steps.total - positives
    # Twice the misses above each step, with half of the step's own.
    above = 2 * (steps.before - steps.found) + steps.rows + steps.hits
    lost = np.einsum("sr,sr->r", steps.hits, above, dtype=np.float64) / 2
    return 1 - ratio(lost, positives * negatives)


def area_under_precision_recall(steps: CurveSteps) -> Array:
    """Area under precision over recall, interpolated between scores as in Keras.

    By Davis and Goadrich (2006), "The relationship between precision-recall and ROC curves": hits
    grow evenly with the rows above the threshold, and precision follows from them.
    """
    positives = steps.hits.sum(axis=0, dtype=np.float64)
    after = steps.before + steps.rows
    # Steps without rows have no hits either.
    slope = steps.hits / np.maximum(steps.rows, 1)
    start = steps.found - slope * after
    growth = np.log(np.maximum(after, 1) / np.maximum(steps.before, 1))
    gained = (slope * (steps.hits + start * growth)).sum(axis=0, dtype=np.float64)
    return ratio(gained, np.where(positives < steps.total, positives, 0))


@dataclasses.dataclass(frozen=True)
class Cells:
    """Rows counted in cells of scores, class after class.

    Attributes:
        numbers: Numbers of the cells with rows, int64; each class has `CELLS + 1` cells.
        table: Number of rows, sum of predictions and sum of outcomes of each of these cells.
    """

    numbers: Array
    table: Array

    @classmethod
    def of(cls, numbers: Array, table: Array) -> Cells:
        """Adds up rows with the same number."""
        unique, places = np.unique(numbers, return_inverse=True)
        columns = [np.bincount(places, column, len(unique)) for column in table.T]
        return cls(unique, np.stack(columns, axis=1))

    @classmethod
    def count(cls, probabilities: Array, outcomes: Array) -> Cells:
        """Puts rows into cells.

        Args:
            probabilities: float64, [rows, classes].
            outcomes: 0 or 1, of the same shape.
        """
        first = np.arange(probabilities.shape[1]) * (CELLS + 1)
        numbers = (np.clip(probabilities, 0.0, 1.0) * CELLS).astype(np.int64) + first
        ones = np.ones(probabilities.size)
        table = np.stack([ones, probabilities.ravel(), outcomes.ravel().astype(float)], axis=1)
        return cls.of(numbers.ravel(), table)

    def __add__(self, other: Cells) -> Cells:
        """Cells with the rows of both."""
        numbers = np.concatenate([self.numbers, other.numbers])
        return self.of(numbers, np.concatenate([self.table, other.table]))

    def steps(self) -> list[CurveSteps]:
        """Curve of each class with rows."""
        borders = np.flatnonzero(np.diff(self.numbers // (CELLS + 1))) + 1
        curves = []
        for table in np.split(self.table[:, [0, 2]], borders):
            rows, hits = table[::-1].T[:, :, np.newaxis]
            before, found, hit = np.cumsum(rows, 0) - rows, np.cumsum(hits, 0), hits[:, 0] > 0
            curves.append(
                CurveSteps(before[hit], rows[hit], hits[hit], found[hit], rows.sum(axis=0))
            )
        return curves


class Area(ResampledMetric):
    """Area under a curve. Multiclass: the mean over each class against the rest."""

    def __init__(self, formula: Callable[[CurveSteps], Array]) -> None:
        """Defines the metric by `area_under_roc` or `area_under_precision_recall`."""
        self._formula = formula

    def measure(self, rows: Rows) -> Cells:
        """Counts the rows of each class in cells."""
        labels = rows.labels[:, np.newaxis]
        if rows.predictions.ndim == 1:
            return Cells.count(rows.predictions[:, np.newaxis], labels == 1)
        return Cells.count(rows.predictions, labels == np.arange(rows.predictions.shape[1]))

    def finish(self, statistics: Cells) -> float:
        """Area from the cells."""
        return float(_mean_of_known([self._formula(steps) for steps in statistics.steps()])[0])

    def resampled(self, rows: Rows) -> Resampled:
        """Exact area of each resample."""
        return lambda weights: _mean_of_known(
            [self._formula(ranking.steps(weights)) for ranking in rows.rankings]
        )


def _mean_of_known(areas: list[Array]) -> NDArray[np.float64]:
    """Mean over the classes with an area; NaN if none has one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(areas, axis=0)


class CalibrationError(Metric):
    """Expected calibration error: |mean prediction - mean outcome| over bins of equal mass.

    Distance of predicted probabilities from observed frequencies (Naeini, Cooper and Hauskrecht,
    2015, "Obtaining well calibrated probabilities using Bayesian binning"; bins of equal mass as in
    Nguyen and O'Connor, 2015). Binary: the prediction is the probability of label 1. Multiclass: it
    is the probability of the most likely class, and the outcome is 1 if this class is the label.

    It has no interval: chance alone makes it larger in each resample than in the rows themselves.
    """

    def measure(self, rows: Rows) -> Cells:
        """Counts the rows in cells."""
        if rows.predictions.ndim == 1:
            return Cells.count(rows.predictions[:, np.newaxis], rows.labels[:, np.newaxis])
        outcomes = rows.predictions.argmax(axis=1) == rows.labels
        return Cells.count(rows.predictions.max(axis=1, keepdims=True), outcomes[:, np.newaxis])

    def finish(self, statistics: Cells) -> float:
        """Error from the cells."""
        return equal_mass_error(statistics.table, CALIBRATION_BINS)


def equal_mass_error(cells: NDArray[np.float64], num_bins: int) -> float:
    """Expected calibration error of rows counted in cells.

    Args:
        cells: Number of rows, sum of predictions and sum of outcomes of each cell, in the order of
            the predictions. A cell on the border of two bins is shared between them.
        num_bins: Number of bins. If the rows cannot be divided equally, the first bins have one row
            more, as in `np.array_split`.

    Returns:
        The error, from 0 to 1; NaN without any row.
    """
    rows = np.append(0.0, np.cumsum(cells[:, 0]))
    if not rows[-1]:
        return float("nan")
    size, extra = divmod(rows[-1], num_bins)
    number = np.arange(num_bins + 1)
    borders = number * size + np.minimum(number, extra)
    gap = np.append(0.0, np.cumsum(cells[:, 1] - cells[:, 2]))
    return float(np.abs(np.diff(np.interp(borders, rows, gap))).sum() / rows[-1])

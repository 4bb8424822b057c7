"""Metrics computed from the order of predictions: areas under curves, calibration error.

Beam merges parts of a slice in any order, so the Evaluator counts predictions in narrow cells. That
is exact if each cell holds one row or equal rows; otherwise the deviation of an area or an error is
below 0.001. The report sorts its rows, and is exact.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfxkit.metrics.definition import Array, Metric, Resampled, Rows, Weights, ratio

CELLS = 100_000
CALIBRATION_BINS = 15


class CurveSteps(NamedTuple):
    """A curve from the highest score downwards: one step for each score with a hit.

    A hit is a row of the positive class. Scores without hits add nothing to an area; with twenty
    classes these are nineteen in twenty.

    Attributes:
        before: Rows with a higher score, [steps, resamples].
        rows: Rows with the score.
        hits: Hits with the score.
        found: Hits with the score or a higher one.
        total: All rows, [resamples].
    """

    before: Array
    rows: Array
    hits: Array
    found: Array
    total: Array


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


class Ranking:
    """Rows by descending score, prepared once, as their order is the same in each resample."""

    def __init__(self, hit: Array, scores: Array) -> None:
        """Sorts the rows.

        Args:
            hit: True for rows of the positive class, [rows].
            scores: Scores, [rows]; rows with equal scores are one step.
        """
        from scipy import sparse  # takes half a second, which the command line need not wait for

        order = np.argsort(-scores, kind="stable")
        hit = np.asarray(hit, bool)[order]
        step = np.cumsum(np.diff(scores[order], prepend=np.inf) != 0) - 1
        has_hit = np.bincount(step, hit) > 0
        count = int(has_hit.sum())
        # The next step with a hit for each row, which may be its own; `count` behind the last one.
        place: NDArray[np.intp] = (np.cumsum(has_hit) - has_hit)[step]
        inside = has_hit[step]
        # Three sums for each such step: of rows since the step before, of its rows, of its hits.
        target = [place, count + 1 + place[inside], 2 * count + 1 + place[hit]]
        source = np.concatenate([order, order[inside], order[hit]]).astype(np.int32)
        ends = np.searchsorted(np.concatenate(target), np.arange(3 * count + 2))
        once = np.ones(len(source), np.float32)
        self._sums = sparse.csr_array((once, source, ends), shape=(3 * count + 1, len(order)))
        self._count = count
        self._newest: tuple[Weights, CurveSteps] | None = None

    def steps(self, weights: Weights) -> CurveSteps:
        """Steps of each resample; two curves over the same weights share them."""
        if self._newest is None or self._newest[0] is not weights:
            parts = np.split(self._sums @ weights, [self._count + 1, 2 * self._count + 1])
            since, rows, hits = parts
            # Whole numbers, exact in float32 up to 16 million rows.
            after = np.cumsum(since, axis=0)
            found, total = np.cumsum(hits, axis=0), after[-1].astype(np.float64)
            steps = CurveSteps(after[:-1] - rows, rows, hits, found, total)
            self._newest = weights, steps
        return self._newest[1]


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


class Area(Metric):
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

    has_interval = False

    def measure(self, rows: Rows) -> Cells:
        """Counts the rows in cells."""
        if rows.predictions.ndim == 1:
            return Cells.count(rows.predictions[:, np.newaxis], rows.labels[:, np.newaxis])
        outcomes = rows.predictions.argmax(axis=1) == rows.labels
        return Cells.count(rows.predictions.max(axis=1, keepdims=True), outcomes[:, np.newaxis])

    def finish(self, statistics: Cells) -> float:
        """Error from the cells."""
        return equal_mass_error(statistics.table, CALIBRATION_BINS)

    def resampled(self, rows: Rows) -> Resampled:
        """Not defined, see above."""
        raise NotImplementedError


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

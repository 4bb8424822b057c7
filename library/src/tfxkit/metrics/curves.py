"""Metrics that follow from the order of the predictions: areas under curves, calibration error.

Beam merges parts of a slice in any order, so the Evaluator counts predictions in narrow cells. That
is exact where each cell holds one row or equal rows; otherwise an area or an error is off by less
than 0.001. The report sorts its rows, and is exact.
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


class Steps(NamedTuple):
    """A curve from the highest score downwards: a step for each score that a hit has.

    A hit is a row of the class that is asked for. Steps without one add nothing to an area; of
    twenty classes those are nineteen in twenty.

    Attributes:
        before: Rows with a higher score, [steps, resamples].
        rows: Rows with the score.
        hits: Those of them that are hits.
        found: Hits with the score or a higher one.
        total: All rows, [resamples].
    """

    before: Array
    rows: Array
    hits: Array
    found: Array
    total: Array


def area_under_roc(steps: Steps) -> Array:
    """The chance that a hit has a higher score than another row; equal scores count half."""
    positives = steps.hits.sum(axis=0, dtype=np.float64)
    negatives = steps.total - positives
    # Twice the misses above each step, where half of its own count.
    above = 2 * (steps.before - steps.found) + steps.rows + steps.hits
    lost = np.einsum("sr,sr->r", steps.hits, above, dtype=np.float64) / 2
    return 1 - ratio(lost, positives * negatives)


def area_under_precision_recall(steps: Steps) -> Array:
    """The area under precision over recall, interpolated between scores as Keras does it.

    By Davis and Goadrich (2006), "The relationship between precision-recall and ROC curves": hits
    grow evenly with the rows above the threshold, and precision follows from them.
    """
    positives = steps.hits.sum(axis=0, dtype=np.float64)
    after = steps.before + steps.rows
    # Where there is nothing to divide by, there is nothing to gain either.
    slope = steps.hits / np.maximum(steps.rows, 1)
    start = steps.found - slope * after
    growth = np.log(np.maximum(after, 1) / np.maximum(steps.before, 1))
    gained = (slope * (steps.hits + start * growth)).sum(axis=0, dtype=np.float64)
    return ratio(gained, np.where(positives < steps.total, positives, 0))


class Ranking:
    """Rows by descending score: prepared once, since their order is the same in each resample."""

    def __init__(self, hit: Array, scores: Array) -> None:
        """Sorts the rows.

        Args:
            hit: Of shape [rows]: whether a row is of the class that is asked for.
            scores: Of shape [rows]; rows with the same one are one step.
        """
        from scipy import sparse  # half a second, which the command line need not wait for

        order = np.argsort(-scores, kind="stable")
        hit = np.asarray(hit, bool)[order]
        step = np.cumsum(np.diff(scores[order], prepend=np.inf) != 0) - 1
        has_hit = np.bincount(step, hit) > 0
        count = int(has_hit.sum())
        # Of each row the next step with a hit, which may be its own; `count` behind the last one.
        place: NDArray[np.intp] = (np.cumsum(has_hit) - has_hit)[step]
        inside = has_hit[step]
        # Of each such step three sums: of rows since the one before, of its own, of its own hits.
        target = [place, count + 1 + place[inside], 2 * count + 1 + place[hit]]
        source = np.concatenate([order, order[inside], order[hit]]).astype(np.int32)
        ends = np.searchsorted(np.concatenate(target), np.arange(3 * count + 2))
        once = np.ones(len(source), np.float32)
        self._sums = sparse.csr_array((once, source, ends), shape=(3 * count + 1, len(order)))
        self._count = count
        self._newest: tuple[Weights, Steps] | None = None

    def steps(self, weights: Weights) -> Steps:
        """The steps of each resample; two curves over the same weights share them."""
        if self._newest is None or self._newest[0] is not weights:
            parts = np.split(self._sums @ weights, [self._count + 1, 2 * self._count + 1])
            since, rows, hits = parts
            # Whole numbers, exact in float32 up to 16 million rows.
            after = np.cumsum(since, axis=0)
            found, total = np.cumsum(hits, axis=0), after[-1].astype(np.float64)
            steps = Steps(after[:-1] - rows, rows, hits, found, total)
            self._newest = weights, steps
        return self._newest[1]


@dataclasses.dataclass(frozen=True)
class Cells:
    """Rows in cells; of several classes one after the other.

    Attributes:
        numbers: Of the cells that have rows, int64; a class has `CELLS + 1` of them.
        table: A row for each: rows in the cell, the sum of their predictions, of their outcomes.
    """

    numbers: Array
    table: Array

    @classmethod
    def of(cls, numbers: Array, table: Array) -> Cells:
        """Adds up rows of the same number."""
        unique, places = np.unique(numbers, return_inverse=True)
        columns = [np.bincount(places, column, len(unique)) for column in table.T]
        return cls(unique, np.stack(columns, axis=1))

    @classmethod
    def count(cls, probabilities: Array, outcomes: Array) -> Cells:
        """Puts rows into cells.

        Args:
            probabilities: float64 of shape [rows, classes].
            outcomes: 0 or 1, of the same shape.
        """
        first = np.arange(probabilities.shape[1]) * (CELLS + 1)
        numbers = (np.clip(probabilities, 0.0, 1.0) * CELLS).astype(np.int64) + first
        ones = np.ones(probabilities.size)
        table = np.stack([ones, probabilities.ravel(), outcomes.ravel().astype(float)], axis=1)
        return cls.of(numbers.ravel(), table)

    def __add__(self, other: Cells) -> Cells:
        """The rows of both."""
        numbers = np.concatenate([self.numbers, other.numbers])
        return self.of(numbers, np.concatenate([self.table, other.table]))

    def steps(self) -> list[Steps]:
        """The curve of each class that has rows."""
        borders = np.flatnonzero(np.diff(self.numbers // (CELLS + 1))) + 1
        curves = []
        for table in np.split(self.table[:, [0, 2]], borders):
            rows, hits = table[::-1].T[:, :, np.newaxis]
            before, found, hit = np.cumsum(rows, 0) - rows, np.cumsum(hits, 0), hits[:, 0] > 0
            curves.append(Steps(before[hit], rows[hit], hits[hit], found[hit], rows.sum(axis=0)))
        return curves


class Area(Metric):
    """The area under a curve. Multiclass: the mean over one-against-the-rest of each class."""

    def __init__(self, formula: Callable[[Steps], Array]) -> None:
        """Takes `area_under_roc` or `area_under_precision_recall`."""
        self._formula = formula

    def measure(self, rows: Rows) -> Cells:
        """The rows of each class in cells."""
        labels = rows.labels[:, np.newaxis]
        if rows.predictions.ndim == 1:
            return Cells.count(rows.predictions[:, np.newaxis], labels == 1)
        return Cells.count(rows.predictions, labels == np.arange(rows.predictions.shape[1]))

    def finish(self, statistics: Cells) -> float:
        """The area."""
        return float(_mean_of_known([self._formula(steps) for steps in statistics.steps()])[0])

    def resampled(self, rows: Rows) -> Resampled:
        """The exact area."""
        return lambda weights: _mean_of_known(
            [self._formula(ranking.steps(weights)) for ranking in rows.rankings]
        )


def _mean_of_known(areas: list[Array]) -> NDArray[np.float64]:
    """The mean over the classes that have an area; NaN where none has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(areas, axis=0)


class CalibrationError(Metric):
    """The expected calibration error: |mean prediction - mean outcome| over bins of equal mass.

    How far predicted probabilities are from observed frequencies (Naeini, Cooper and Hauskrecht,
    2015, "Obtaining well calibrated probabilities using Bayesian binning"; bins of equal mass as in
    Nguyen and O'Connor, 2015). Binary: the prediction is the probability of label 1. Multiclass: it
    is that of the most likely class, and the outcome is whether this is the label.

    It has no interval: chance alone makes it larger in each resample than in the rows themselves.
    """

    has_interval = False

    def measure(self, rows: Rows) -> Cells:
        """The rows in cells."""
        if rows.predictions.ndim == 1:
            return Cells.count(rows.predictions[:, np.newaxis], rows.labels[:, np.newaxis])
        outcomes = rows.predictions.argmax(axis=1) == rows.labels
        return Cells.count(rows.predictions.max(axis=1, keepdims=True), outcomes[:, np.newaxis])

    def finish(self, statistics: Cells) -> float:
        """The error."""
        return equal_mass_error(statistics.table, CALIBRATION_BINS)

    def resampled(self, rows: Rows) -> Resampled:
        """Not measured, see above."""
        raise NotImplementedError


def equal_mass_error(cells: NDArray[np.float64], num_bins: int) -> float:
    """The expected calibration error of rows that are counted in cells.

    Args:
        cells: In the order of their predictions, a row each: the number of rows in the cell, the
            sum of their predictions and the sum of their outcomes. A cell on the border of two
            bins is shared between them.
        num_bins: The number of bins. Where the rows cannot be parted equally, the first bins have
            one more, as in `np.array_split`.

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

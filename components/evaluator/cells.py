"""Metrics that follow from how rows are spread over probabilities, counted in narrow cells.

Beam merges parts of a slice in any order, so predictions are counted in cells first. That is exact
where each cell holds one row or equal rows; otherwise an area or an error is off by less than
0.001.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.calibration import NUM_BINS, equal_mass_error
from components.evaluator.combined import Array, Combiner, computations

CELLS = 100_000


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

    def classes(self) -> list[Array]:
        """The table of each class that has rows, from the lowest prediction to the highest."""
        borders = np.flatnonzero(np.diff(self.numbers // (CELLS + 1))) + 1
        return np.split(self.table, borders)


def area_under_roc(table: Array) -> float:
    """The chance that a row of outcome 1 has a higher prediction than one of 0; ties count half."""
    positive, negative = table[:, 2], table[:, 0] - table[:, 2]
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative / 2
    return float(positive @ below / pairs) if pairs else float("nan")


def area_under_precision_recall(table: Array) -> float:
    """The area under precision over recall, interpolated between thresholds.

    By Davis and Goadrich (2006), "The relationship between precision-recall and ROC curves": true
    positives grow evenly with the rows above the threshold, and precision follows from them.
    """
    found = np.append(np.cumsum(table[::-1, 2])[::-1], 0.0)  # above the threshold, by outcome ...
    rows = np.append(np.cumsum(table[::-1, 0])[::-1], 0.0)  # ... and all
    if not found[0]:
        return float("nan")
    slope = (found[:-1] - found[1:]) / (rows[:-1] - rows[1:])
    start = found[1:] - slope * rows[1:]
    ratio = np.divide(rows[:-1], rows[1:], out=np.ones(len(slope)), where=rows[1:] > 0)
    return float(np.sum(slope * (found[:-1] - found[1:] + start * np.log(ratio))) / found[0])


class Area(metric_types.Metric):
    """The area under a curve. Multiclass: the mean over one-against-the-rest of each class."""

    def __init__(self, name: str, curve: str) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
            curve: `roc` or `precision recall`.
        """
        super().__init__(computations(lambda key: _AreaCombiner(key, curve)), name=name)


class _AreaCombiner(Combiner):
    def __init__(self, key: metric_types.MetricKey, curve: str) -> None:
        super().__init__(key)
        self._area = area_under_roc if curve == "roc" else area_under_precision_recall

    def measure(self, labels: Array, predictions: Array) -> Cells:
        classes = predictions.shape[1]
        labels = labels[:, np.newaxis].astype(np.int64)
        return Cells.count(predictions, labels == (np.arange(classes) if classes > 1 else 1))

    def finish(self, measured: Cells) -> float:
        areas = [self._area(table) for table in measured.classes()]
        known = [area for area in areas if not np.isnan(area)]
        return float(np.mean(known)) if known else float("nan")


class ExpectedCalibrationError(metric_types.Metric):
    """The mean over bins of |mean prediction - mean outcome|, weighted by the bins' mass.

    Binary: the prediction is the probability of label 1. Multiclass: it is that of the most likely
    class, and the outcome is whether this is the label.
    """

    def __init__(self, name: str) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
        """
        super().__init__(computations(_ErrorCombiner), name=name)


class _ErrorCombiner(Combiner):
    def measure(self, labels: Array, predictions: Array) -> Cells:
        several = predictions.shape[1] > 1
        outcomes = predictions.argmax(axis=1) == labels if several else labels
        return Cells.count(predictions.max(axis=1, keepdims=True), outcomes[:, np.newaxis])

    def finish(self, measured: Cells) -> float:
        return equal_mass_error(measured.table, NUM_BINS)

"""Paired comparison of two models: the difference of their losses, row by row.

What makes a row hard is the same for both models, so it drops out of the difference. The interval
of the mean difference is therefore far narrower than those of the two losses. Sums are enough for
it, so parts of the rows are measured anywhere and merged, whatever their number.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tfxkit.config.dataset import Task
from tfxkit.metrics.builtin import log_losses, squared_errors
from tfxkit.metrics.definition import Array, Rows


@dataclasses.dataclass(frozen=True)
class PairedSums:
    """Sums over some rows.

    Attributes:
        rows: Number of rows.
        before: Sum of the baseline's losses.
        differences: Sum of the candidate's losses less the baseline's.
        squares: Sum of the squares of these differences.
        labels: Classification: rows of each class. Regression: mean of the labels, and sum of
            their squared distances from it.
    """

    rows: int
    before: float
    differences: float
    squares: float
    labels: Array


@dataclasses.dataclass(frozen=True)
class PairedLosses:
    """Mean losses of two models on the same rows.

    Attributes:
        rows: Number of rows.
        before: Mean loss of the baseline.
        difference: Mean loss of the candidate less that of the baseline.
        error: Standard error of the difference.
        constant: Mean loss of the best constant prediction.
    """

    rows: float
    before: float
    difference: float
    error: float
    constant: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Interval of the difference, by Student's t distribution."""
        from scipy import special  # takes time that the command line does not have

        half = self.error * float(special.stdtrit(self.rows - 1, (1 + confidence) / 2))
        return self.difference - half, self.difference + half

    def scale(self) -> float:
        """Unit of a worsening: the baseline's loss, or its gain on a constant, if that is less.

        As a share of the loss alone, the ruin of a weak model would be small, for its loss is
        nearly that of a constant; as a share of the gain alone, that of a strong model would be.
        """
        return max(min(self.before, self.constant - self.before), 0.0)


class PairedLoss:
    """The loss that training minimizes, of a candidate and of the baseline."""

    def __init__(self, task: Task) -> None:
        """Compares models of a task by log loss, or by the squared errors of a regression."""
        self._is_regression = task is Task.REGRESSION

    @property
    def name(self) -> str:
        """Name of the metric that is the mean loss."""
        return "mse" if self._is_regression else "log_loss"

    def measure(self, rows: Rows) -> PairedSums:
        """Sums over rows with the candidate's outputs before those of the baseline."""
        candidate, baseline = np.split(rows.predictions, 2, axis=1)
        if candidate.shape[1] == 1:
            candidate, baseline = candidate[:, 0], baseline[:, 0]
        losses = squared_errors if self._is_regression else log_losses
        before = losses(rows.labels, baseline)
        differences = losses(rows.labels, candidate) - before
        return PairedSums(
            rows=len(rows),
            before=float(before.sum()),
            differences=float(differences.sum()),
            squares=float(differences @ differences),
            labels=self._label_sums(rows.labels, 2 if candidate.ndim == 1 else candidate.shape[1]),
        )

    def merge(self, one: PairedSums, other: PairedSums) -> PairedSums:
        """Sums over two sets of rows."""
        labels = one.labels + other.labels
        if self._is_regression:
            # Chan, Golub and LeVeque (1979): a plain sum of squares would lose a small spread.
            rows = max(one.rows + other.rows, 1)
            distance = other.labels[0] - one.labels[0]
            labels[0] = one.labels[0] + distance * other.rows / rows
            labels[1] += distance**2 * one.rows * other.rows / rows
        return PairedSums(
            one.rows + other.rows,
            one.before + other.before,
            one.differences + other.differences,
            one.squares + other.squares,
            labels,
        )

    def finish(self, sums: PairedSums) -> PairedLosses:
        """Means, and the standard error of their difference: NaN with fewer than two rows."""
        if sums.rows < 2:  # noqa: PLR2004
            return PairedLosses(sums.rows, *[float("nan")] * 4)
        difference = sums.differences / sums.rows
        variance = max(sums.squares / sums.rows - difference**2, 0.0)
        return PairedLosses(
            rows=sums.rows,
            before=sums.before / sums.rows,
            difference=difference,
            error=float(np.sqrt(variance / (sums.rows - 1))),
            constant=self._constant(sums),
        )

    def _label_sums(self, labels: Array, classes: int) -> Array:
        if not self._is_regression:
            return np.bincount(labels.astype(np.intp), minlength=classes).astype(np.float64)
        values = labels.astype(np.float64)
        mean = values.mean() if len(values) else 0.0
        return np.array([mean, ((values - mean) ** 2).sum()])

    def _constant(self, sums: PairedSums) -> float:
        """Variance of the labels, or entropy of the classes."""
        if self._is_regression:
            return float(sums.labels[1] / sums.rows)
        shares = sums.labels[sums.labels > 0] / sums.rows
        return float(-(shares * np.log(shares)).sum())

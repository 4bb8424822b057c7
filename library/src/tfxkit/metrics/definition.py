"""The definition of a metric: one form for the Evaluator, and from it one for the report.

The Evaluator measures parts of a slice and merges them; the report measures many resamples of the
same rows at once, each a column of weights. A kind of metric derives both from a single formula.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tfxkit.metrics.curves import Ranking

Array: TypeAlias = NDArray[Any]
Weights: TypeAlias = NDArray[np.float32]  # [rows, resamples]: how often a resample has a row
Resampled: TypeAlias = Callable[[Weights], NDArray[np.float64]]  # -> [resamples]

HIGHER, LOWER = "higher", "lower"
UNKNOWN = "unknown"  # a metric class without a declared direction


@dataclasses.dataclass(frozen=True)
class Rows:
    """Labels and predictions of some rows.

    Attributes:
        labels: Of shape [rows]: class, or number.
        predictions: Of shape [rows]; multiclass: [rows, classes]. float64.
        keys: Of shape [rows]: a pseudo-random number for each row, by which a sample is drawn;
            None where all rows are measured.
    """

    labels: Array
    predictions: Array
    keys: Array | None = None

    @classmethod
    def of(cls, labels: Array, predictions: Array, keys: Array | None = None) -> Rows:
        """Rows with predictions of any numeric type, of shape [rows] or [rows, outputs]."""
        labels, predictions = np.asarray(labels), np.asarray(predictions, np.float64)
        if predictions.ndim > 1 and predictions.shape[1] == 1:
            predictions = predictions[:, 0]
        return cls(labels, predictions, keys)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.labels)

    @functools.cached_property
    def rankings(self) -> list[Ranking]:
        """The rows by descending score: of each class against the rest; binary: of label 1."""
        from tfxkit.metrics.curves import Ranking

        if self.predictions.ndim == 1:
            return [Ranking(self.labels == 1, self.predictions)]
        return [
            Ranking(self.labels == one, self.predictions[:, one])
            for one in range(self.predictions.shape[1])
        ]


class Metric(abc.ABC):
    """A measure of model quality, computed from labels and predictions.

    Attributes:
        sampled: True if a slice with very many rows is measured on a sample of them.
        has_interval: True if an interval is computed from resamples of the rows.
        most_resamples: The most resamples that are worth their time; None for any number.
    """

    sampled = False
    has_interval = True
    most_resamples: int | None = None

    @abc.abstractmethod
    def measure(self, rows: Rows) -> Any:
        """Sufficient statistics of some rows."""

    def merge(self, one: Any, other: Any) -> Any:
        """Sufficient statistics of two sets of rows."""
        return one + other

    @abc.abstractmethod
    def finish(self, statistics: Any) -> float:
        """The metric; NaN where it is not defined."""

    @abc.abstractmethod
    def resampled(self, rows: Rows) -> Resampled:
        """The metric as a function of weights, NaN for a resample in which it is not defined."""

    def value(self, rows: Rows) -> float:
        """The metric of rows that are all there."""
        return self.finish(self.measure(rows))


def sign(better: str) -> int:
    """1 if higher is better, -1 if lower is better, 0 if a change has no known direction."""
    return {HIGHER: 1, LOWER: -1}.get(better, 0)


def ratio(above: Array, below: Array) -> Array:
    """Quotient element by element; NaN for a division by 0."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)

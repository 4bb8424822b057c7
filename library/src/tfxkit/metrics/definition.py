"""Definition of a metric: a single formula for the Evaluator and for the report's intervals.

The Evaluator measures parts of a slice and merges them; the report measures many resamples of the
same rows at once. TFMA's own confidence intervals cost 6 to 40 times the evaluation, since they run
Beam for each resample. Here a resample is a column of weights, and most metrics are one product of
matrices.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Weights: TypeAlias = NDArray[np.float32]  # [rows, resamples]: how often a resample has a row
Resampled: TypeAlias = Callable[[Weights], NDArray[np.float64]]  # -> [resamples]
Measurer: TypeAlias = Callable[[Weights], dict[str, Array]]

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
        """Number of rows."""
        return len(self.labels)

    @functools.cached_property
    def rankings(self) -> list[Ranking]:
        """Rows by descending score: of each class against the rest; binary: of label 1."""
        if self.predictions.ndim == 1:
            return [Ranking(self.labels == 1, self.predictions)]
        return [
            Ranking(self.labels == number, self.predictions[:, number])
            for number in range(self.predictions.shape[1])
        ]


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


class Ranking:
    """Rows by descending score, prepared once, as their order is the same in each resample."""

    def __init__(self, hit: Array, scores: Array) -> None:
        """Sorts the rows.

        Args:
            hit: True for rows of the positive class, [rows].
            scores: Scores, [rows]; rows with equal scores are one step.
        """
        from scipy import sparse  # takes half a second, too long for the command line

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


class Metric(abc.ABC):
    """A measure of model quality, computed from labels and predictions.

    Only a `ResampledMetric` has an interval in the report.

    Attributes:
        sampled: True if a slice with very many rows is measured on a sample of them.
    """

    sampled = False

    @abc.abstractmethod
    def measure(self, rows: Rows) -> Any:
        """Sufficient statistics of some rows."""

    def merge(self, one: Any, other: Any) -> Any:
        """Sufficient statistics of two sets of rows."""
        return one + other

    @abc.abstractmethod
    def finish(self, statistics: Any) -> float:
        """The metric; NaN where it is not defined."""

    def value(self, rows: Rows) -> float:
        """The metric of all rows at once."""
        return self.finish(self.measure(rows))


class ResampledMetric(Metric):
    """A metric with an interval, computed from resamples of the rows.

    Attributes:
        most_resamples: The most resamples that are worth their time; None for any number.
    """

    most_resamples: int | None = None

    @abc.abstractmethod
    def resampled(self, rows: Rows) -> Resampled:
        """The metric as a function of weights, NaN for a resample in which it is not defined."""


class Sums(ResampledMetric):
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


def measurer(metrics: Mapping[str, Metric], rows: Rows) -> Measurer:
    """Prepares the measurement, with all that is the same in each resample.

    Args:
        metrics: Metrics by name; all but `ResampledMetric` are left out.
        rows: Rows to measure.

    Returns:
        A function of weights with a column for each resample. It returns the metrics by name,
        [resamples]; NaN in resamples without a value, as with a single class.
    """
    of_sums = {name: metric for name, metric in metrics.items() if isinstance(metric, Sums)}
    others = {
        name: (metric.most_resamples, metric.resampled(rows))
        for name, metric in metrics.items()
        if isinstance(metric, ResampledMetric) and name not in of_sums
    }
    # The sums of all metrics in one product: exact to about six digits.
    parts = {name: metric.of_rows(rows) for name, metric in of_sums.items()}
    ends = np.cumsum([len(part) for part in parts.values()])
    values = np.concatenate([*parts.values(), np.empty((0, len(rows)))]).astype(np.float32)
    measured_before = dict.fromkeys(others, 0)

    def measured(weights: Weights) -> dict[str, Array]:
        sums = (values @ weights).astype(np.float64)
        values_by_name = {
            name: metric.of_sums(part)
            for (name, metric), part in zip(of_sums.items(), np.split(sums, ends), strict=False)
        }
        for name, (most, measure) in others.items():
            left = weights.shape[1] if most is None else most - measured_before[name]
            first = weights[:, :left] if left < weights.shape[1] else weights
            values_by_name[name] = measure(first) if left > 0 else np.empty(0)
            measured_before[name] += first.shape[1]
        return values_by_name

    return measured


def sign(better: str) -> int:
    """1 if higher is better, -1 if lower is better, 0 if a change has no known direction."""
    return {HIGHER: 1, LOWER: -1}.get(better, 0)


def ratio(above: Array, below: Array) -> Array:
    """Quotient element by element; NaN for a division by 0."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)

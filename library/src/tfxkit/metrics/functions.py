"""Metrics measured on the rows themselves: functions of a project, medians.

Such a metric cannot be merged from parts, so the rows of a slice are collected first. In a slice
with more than `MOST_ROWS`, a uniform sample is kept: the rows with the smallest keys, where the key
of a row is a hash of its example. So the sample is the same in each run, and for both models.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import importlib
import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfxkit.errors import ModelError
from tfxkit.metrics.definition import Array, Metric, Resampled, ResampledMetric, Rows, Weights
from tfxkit.tracebacks import located, own_file

logger = logging.getLogger(__name__)

MOST_ROWS = 50_000
MOST_RESAMPLES = 200

Function = Callable[[Array, Array, Array], float]


@dataclasses.dataclass(frozen=True)
class Sample:
    """Sample of up to `MOST_ROWS` rows, and up to twice as many between merges."""

    rows: Rows

    def __add__(self, other: Sample) -> Sample:
        """Sample of the rows of both."""
        parts = (self.rows, other.rows)
        keys = [part.keys for part in parts if part.keys is not None]
        joined = Rows(
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.predictions for part in parts]),
            np.concatenate(keys) if len(keys) == len(parts) else None,
        )
        return Sample(joined).cut(2 * MOST_ROWS)

    def cut(self, most: int) -> Sample:
        """Keeps `MOST_ROWS` rows if there are more than `most`."""
        rows = self.rows
        if rows.keys is None or len(rows) <= most:
            return self
        kept = np.argpartition(rows.keys, MOST_ROWS)[:MOST_ROWS]
        return Sample(Rows(rows.labels[kept], rows.predictions[kept], rows.keys[kept]))


class OfRows(ResampledMetric):
    """A function `(labels, predictions, weights) -> float` of the rows of a slice."""

    sampled = True
    most_resamples: int | None = MOST_RESAMPLES

    def __init__(self, function: Function, name: str) -> None:
        """Wraps a function.

        Args:
            function: Function of labels, [rows], predictions, [rows] or [rows, classes], and
                weights, [rows], which are all 1. It returns NaN if the metric is not defined.
            name: Name of the function in errors.
        """
        self._function, self._name = function, name

    def measure(self, rows: Rows) -> Sample:
        """Sample of the rows."""
        return Sample(rows).cut(MOST_ROWS)

    def finish(self, statistics: Sample) -> float:
        """Value that the function returns.

        Raises:
            ModelError: If the function raises, or returns no number.
        """
        rows = statistics.cut(MOST_ROWS).rows
        if rows.keys is not None:  # merged by Beam in any order
            order = np.argsort(rows.keys, kind="stable")
            rows = Rows(rows.labels[order], rows.predictions[order])
        where = f"on {len(rows)} rows of a slice"
        try:
            value = self._call(rows.labels, rows.predictions)
        except Exception as error:
            undefined = isinstance(error, ArithmeticError) or (
                isinstance(error, (ValueError, IndexError)) and np.unique(rows.labels).size <= 1
            )
            raise _raised(self._name, where, error, undefined=undefined) from error
        return _number(value, self._name, where)

    def resampled(self, rows: Rows) -> Resampled:
        """Calls the function on the rows of each resample, repeated as often as drawn."""

        def measured(weights: Weights) -> Array:
            values = np.full(weights.shape[1], np.nan)
            for number, column in enumerate(weights.T):
                drawn = np.repeat(np.arange(len(rows)), column.astype(np.intp))
                try:
                    values[number] = float(self._call(rows.labels[drawn], rows.predictions[drawn]))
                except Exception:  # noqa: S112 (not defined in this resample)
                    continue
            return values

        return measured

    def _call(self, labels: Array, predictions: Array) -> Any:
        return self._function(labels, predictions, np.ones(len(labels)))


class MedianAbsoluteError(OfRows):
    """Median of |prediction - label|."""

    most_resamples = None

    def __init__(self) -> None:
        """Wraps the median."""
        super().__init__(
            lambda y, p, _: float(np.median(np.abs(p - y))) if len(y) else float("nan"), "medae"
        )

    def resampled(self, rows: Rows) -> Resampled:
        """Sorts the errors once; at the median, half of the weight lies below."""
        errors = np.abs(rows.predictions - rows.labels)
        order = np.argsort(errors, kind="stable")
        errors = errors[order]

        def measured(weights: Weights) -> Array:
            below = np.cumsum(weights[order], axis=0)
            half = below[-1] / 2
            middle = [(below < half).sum(axis=0), (below <= half).sum(axis=0)]
            return errors[np.minimum(middle, len(errors) - 1)].mean(axis=0)

        return measured


class Guarded(Metric):
    """A `Metric` of the project, named in its errors."""

    def __init__(self, metric: Metric, name: str) -> None:
        """Wraps a metric.

        Args:
            metric: Metric of the project.
            name: Name of the metric in errors.
        """
        self._metric, self._name = metric, name
        self.sampled = metric.sampled

    def measure(self, rows: Rows) -> Any:
        """Sufficient statistics, as the metric computes them.

        Raises:
            ModelError: If the metric raises.
        """
        with self._named(f"on {len(rows)} rows"):
            return self._metric.measure(rows)

    def merge(self, one: Any, other: Any) -> Any:
        """Merged statistics, as the metric computes them.

        Raises:
            ModelError: If the metric raises.
        """
        with self._named("where the statistics of two sets of rows are merged"):
            return self._metric.merge(one, other)

    def finish(self, statistics: Any) -> float:
        """The metric.

        Raises:
            ModelError: If the metric raises, or returns no number.
        """
        where = "where its value is computed"
        with self._named(where):
            value = self._metric.finish(statistics)
        return _number(value, self._name, where)

    @contextlib.contextmanager
    def _named(self, where: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            undefined = isinstance(error, ArithmeticError)
            raise _raised(self._name, where, error, undefined=undefined) from error


class GuardedResampled(Guarded, ResampledMetric):
    """A `ResampledMetric` of the project, which loses its interval where it raises."""

    def __init__(self, metric: ResampledMetric, name: str) -> None:
        """Wraps a metric.

        Args:
            metric: Metric of the project.
            name: Name of the metric in errors.
        """
        super().__init__(metric, name)
        self._resampled, self.most_resamples = metric.resampled, metric.most_resamples
        self._has_warned = False

    def resampled(self, rows: Rows) -> Resampled:
        """The metric in each resample; NaN in all of them, thus no interval, if it raises."""
        measure: Resampled | None = None

        def measured(weights: Weights) -> Array:
            nonlocal measure
            shape = weights.shape[1:]
            try:
                if measure is None:
                    measure = self._resampled(rows)
                values = np.asarray(measure(weights), np.float64)
                if values.shape != shape:
                    raise ValueError(f"values of shape {values.shape}, expected {shape}")
            except Exception:  # whatever the code of the project raises
                if not self._has_warned:  # once, not for each slice
                    logger.exception("The metric %s has no interval", self._name)
                self._has_warned = True
                return np.full(shape, np.nan)
            return values

        return measured


def _raised(name: str, where: str, error: Exception, *, undefined: bool) -> ModelError:
    """Error for a metric that raised, with a hint if these rows may be the cause."""
    reason = str(error).rstrip(".")
    message = f"The metric {name} raised {type(error).__name__} {where}: {reason}."
    if undefined:
        message += " Return float('nan') where the metric is not defined."
    return ModelError(located(message, error))


def _number(value: Any, name: str, where: str) -> float:
    """Converts the value of a metric.

    Raises:
        ModelError: If it is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        type_name = "None" if value is None else type(value).__name__
        raise ModelError(
            f"The metric {name} returned {type_name} {where}. It must return a number."
        ) from None


def load(dotted_name: str) -> Metric:
    """Loads a metric of the project: a function, or a `Metric` such as `Sums`.

    Raises:
        ValueError: If there is no such metric; the message lists the functions of the module.
    """
    module_name, _, name = dotted_name.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        message = f"{module_name} cannot be imported: {type(error).__name__}: {error}"
        raise ValueError(located(message, error)) from error
    metric = getattr(module, name, None)
    if isinstance(metric, ResampledMetric):
        return GuardedResampled(metric, dotted_name)
    if isinstance(metric, Metric):
        return Guarded(metric, dotted_name)
    if not callable(metric):
        defined = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module_name
        ]
        near = difflib.get_close_matches(name, defined, 1)
        hint = f"did you mean {near[0]}?" if near else f"it has: {', '.join(defined)}"
        file = own_file(module.__file__ or "<>")
        raise ValueError(f"{file or module_name} has no function {name}; {hint}")
    try:
        inspect.signature(metric).bind("labels", "predictions", "weights")
    except TypeError:
        raise ValueError(f"{dotted_name} must take (labels, predictions, weights)") from None
    return OfRows(metric, dotted_name)

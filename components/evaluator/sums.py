"""Metrics that follow from sums over the rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.combined import Array, Combiner, computations

_EPSILON = 1e-7  # keeps logarithms finite, as Keras does
_HALF = 0.5


def _right(y: Array, p: Array) -> Array:
    return p.argmax(axis=1) == y if p.shape[1] > 1 else (p[:, 0] > _HALF) == y


def _cross_entropy(y: Array, p: Array) -> Array:
    if p.shape[1] == 1:
        p = np.concatenate([1 - p, p], axis=1)
    of_label = p[np.arange(len(y)), y.astype(np.int64)] / p.sum(axis=1)
    return -np.log(np.clip(of_label, _EPSILON, 1 - _EPSILON))


def _squared(y: Array, p: Array) -> Array:
    return (p[:, 0] - y.astype(np.float64)) ** 2


def _ratio(sums: Array) -> float:
    return float(sums[0] / sums[1]) if sums[1] else float("nan")


def _mean(values: Callable[[Array, Array], Array]) -> tuple[Callable, Callable]:
    return lambda y, p: np.array([values(y, p).sum(dtype=np.float64), len(y)]), _ratio


# What is summed up, and what follows from the sums.
_METRICS: dict[str, tuple[Callable[[Array, Array], Array], Callable[[Array], float]]] = {
    "count": (lambda y, _: np.array([len(y)]), lambda sums: float(sums[0])),
    "mean label": _mean(lambda y, _: y),
    "accuracy": _mean(_right),
    "cross entropy": _mean(_cross_entropy),
    "calibration": (lambda y, p: np.array([p.sum(), y.sum(dtype=np.float64)]), _ratio),
    "squared error": _mean(_squared),
    "root mean squared error": (_mean(_squared)[0], lambda sums: _ratio(sums) ** 0.5),
    "absolute error": _mean(lambda y, p: np.abs(p[:, 0] - y)),
}


class FromSums(metric_types.Metric):
    """One of `_METRICS`."""

    def __init__(self, name: str, what: str) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
            what: The key in `_METRICS`.
        """
        super().__init__(computations(lambda key: _Combiner(key, what)), name=name)


class _Combiner(Combiner):
    def __init__(self, key: metric_types.MetricKey, what: str) -> None:
        super().__init__(key)
        self._what = what

    def measure(self, labels: Array, predictions: Array) -> Array:
        return _METRICS[self._what][0](labels, predictions)

    def finish(self, measured: Array) -> float:
        return _METRICS[self._what][1](measured)

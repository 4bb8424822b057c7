"""What our metrics have in common: they take the rows of a slice as arrays, part by part."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util

Array = NDArray[Any]
MakeCombiner = Callable[[metric_types.MetricKey], beam.CombineFn]


class Combiner(beam.CombineFn, abc.ABC):
    """Measures parts of a slice and merges what was measured into a number."""

    def __init__(self, key: metric_types.MetricKey) -> None:
        """Takes the key under which TFMA wants the number."""
        self._key = key

    @abc.abstractmethod
    def measure(self, labels: Array, predictions: Array) -> Any:
        """What is to be known of some rows.

        Args:
            labels: Of shape [rows].
            predictions: Of shape [rows, outputs].
        """

    def merge(self, one: Any, other: Any) -> Any:
        """What is to be known of both."""
        return one + other

    @abc.abstractmethod
    def finish(self, measured: Any) -> float:
        """The metric; NaN where it is not defined."""

    def create_accumulator(self) -> Any:  # noqa: D102
        return None

    def add_input(self, measured: Any, element: Any) -> Any:  # noqa: D102
        predictions = element.prediction
        if isinstance(predictions, Mapping):
            only = len(predictions) == 1
            predictions = predictions["" if only else self._key.model_name]
        labels = np.asarray(element.label)
        part = self.measure(labels, np.asarray(predictions, np.float64).reshape(len(labels), -1))
        return part if measured is None else self.merge(measured, part)

    def merge_accumulators(self, parts: Iterable[Any]) -> Any:  # noqa: D102
        there = [part for part in parts if part is not None]
        return functools.reduce(self.merge, there) if there else None

    def extract_output(self, measured: Any) -> dict[metric_types.MetricKey, float]:  # noqa: D102
        return {self._key: float("nan") if measured is None else self.finish(measured)}


def computations(make_combiner: MakeCombiner) -> Any:
    """The computations of a metric of one number.

    Args:
        make_combiner: Takes the metric's key; what it makes gives the number under that key.

    Returns:
        What the constructor of `metric_types.Metric` takes.
    """

    def compute(
        name: str = "",
        model_name: str = "",
        output_name: str = "",
        example_weighted: bool = False,
    ) -> list[metric_types.MetricComputation]:
        """TFMA looks at the names of these arguments to know what to pass (all positional)."""
        key = metric_types.MetricKey(
            name=name,
            model_name=model_name,
            output_name=output_name,
            example_weighted=example_weighted,
        )
        combiner = make_combiner(key)
        return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]

    return metric_util.merge_per_key_computations(compute)

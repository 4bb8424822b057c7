"""R², the coefficient of determination, as a metric of TFMA.

tf_keras has one, whose state TFMA (0.52) cannot merge; TFMA's own squared Pearson correlation is
another number: it is blind to a prediction that is off by a constant or a factor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.combined import computations

NAME = "r2"


class CoefficientOfDetermination(metric_types.Metric):
    """1 - squared errors / squared distances of the labels from their mean.

    1 is perfect, 0 no better than the mean of the labels that are measured, and below 0 worse.
    Not defined (NaN) where the labels are all the same.
    """

    def __init__(self, name: str = NAME) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
        """
        super().__init__(computations(_Combiner), name=name)


@dataclasses.dataclass(frozen=True)
class _Sums:
    rows: float = 0.0
    mean: float = 0.0  # of the labels
    spread: float = 0.0  # of the labels: the sum of squared distances from their mean
    errors: float = 0.0  # the sum of squared errors

    def __add__(self, other: _Sums) -> _Sums:
        """Chan, Golub and LeVeque (1979): no sum of squares, which would lose a small spread."""
        rows = self.rows + other.rows
        if not rows:
            return self
        share = other.rows / rows
        distance = other.mean - self.mean
        return _Sums(
            rows,
            self.mean + distance * share,
            self.spread + other.spread + distance**2 * self.rows * share,
            self.errors + other.errors,
        )


class _Combiner(beam.CombineFn):
    def __init__(self, key: metric_types.MetricKey, eval_config: Any) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> _Sums:
        return _Sums()

    def add_input(self, sums: _Sums, element: Any) -> _Sums:
        for label, prediction, _ in metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            example_weighted=self._key.example_weighted,
        ):
            sums += self.row(np.asarray(label).item(), np.asarray(prediction).item())
        return sums

    def row(self, label: float, prediction: float) -> _Sums:
        """One row, to be added to others."""
        return _Sums(1.0, label, 0.0, (label - prediction) ** 2)

    def merge_accumulators(self, parts: Iterable[_Sums]) -> _Sums:
        return sum(parts, _Sums())

    def extract_output(self, sums: _Sums) -> dict[metric_types.MetricKey, float]:
        return {self._key: 1 - sums.errors / sums.spread if sums.spread else float("nan")}

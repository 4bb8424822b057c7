"""The expected calibration error over bins of equal mass, as a metric of TFMA.

How far predicted probabilities are from observed frequencies (Naeini, Cooper and Hauskrecht, 2015,
"Obtaining well calibrated probabilities using Bayesian binning"; bins of equal mass as in Nguyen
and O'Connor, 2015). Beam merges parts of a slice in any order, so predictions are counted in narrow
cells first and the cells are shared out among the bins. That is exact where each cell holds one row
or equal rows; rows that share the cell on a border of two bins make it off by less than 0.001.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis.metrics import metric_types, metric_util

from components.evaluator.combined import computations

NAME = "expected_calibration_error"
NUM_BINS = 15
CELLS = 100_000

# Cell -> number of rows, sum of their predictions, sum of their outcomes.
Histogram = dict[int, NDArray[np.float64]]


class ExpectedCalibrationError(metric_types.Metric):
    """The mean over bins of |mean prediction - mean outcome|, weighted by the bins' mass.

    Binary: the prediction is the probability of label 1. Multiclass: it is that of the most likely
    class, and the outcome is whether this is the label.
    """

    def __init__(self, name: str = NAME) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
        """
        super().__init__(computations(_Combiner), name=name)


class _Combiner(beam.CombineFn):
    """Counts a slice's predictions in cells, and computes the error when all are counted."""

    def __init__(self, key: metric_types.MetricKey, eval_config: Any) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> Histogram:
        return {}

    def add_input(self, histogram: Histogram, element: Any) -> Histogram:
        for label, prediction, _ in metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            example_weighted=self._key.example_weighted,
            flatten=False,
        ):
            probability, outcome = float(np.max(prediction)), float(np.asarray(label).item())
            if np.size(prediction) > 1:
                outcome = float(outcome == np.argmax(prediction))
            self.count(histogram, probability, outcome)
        return histogram

    def count(self, histogram: Histogram, probability: float, outcome: float) -> None:
        """Adds a row to the cell of its probability."""
        cell = int(np.clip(probability, 0.0, 1.0) * CELLS)
        histogram[cell] = histogram.get(cell, 0.0) + np.array([1.0, probability, outcome])

    def merge_accumulators(self, histograms: Iterable[Histogram]) -> Histogram:
        merged: Histogram = {}
        for histogram in histograms:
            for cell, row in histogram.items():
                merged[cell] = merged.get(cell, 0.0) + row
        return merged

    def extract_output(self, histogram: Histogram) -> dict[metric_types.MetricKey, float]:
        cells = np.array([histogram[cell] for cell in sorted(histogram)]).reshape(-1, 3)
        return {self._key: equal_mass_error(cells, NUM_BINS)}


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

"""The metrics of `tfxkit.metrics` as metrics of TFMA, which Beam computes slice by slice."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

from tfxkit.config.bounds import MetricSettings
from tfxkit.config.dataset import Task
from tfxkit.metrics.catalogue import define
from tfxkit.metrics.definition import Metric, Rows

ROW_KEYS = "row_keys"  # the extract that has a pseudo-random number for each row
# Rows that come one at a time, as from TFMA's extractors, are measured in batches of this size.
_ROWS_AT_ONCE = 1000

Definition: TypeAlias = tuple[str, tuple[str, ...], str, str]


class DefinedMetric(metric_types.Metric):
    """A metric of the pipeline, or a function of the project; `EvalConfig` names it."""

    def __init__(self, name: str, task: str, classes: list[str], settings: dict[str, Any]) -> None:
        """Constructs the metric.

        Args:
            name: Its name in the results.
            task: Of the model.
            classes: Of the label; multiclass only.
            settings: Those of `tfxkit.config.bounds.MetricSettings` that are given.
        """
        text = MetricSettings.model_validate(settings).model_dump_json()
        definition = (task, tuple(classes), name, text)

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
            # Only a sample needs the keys of its rows; the others share TFMA's standard inputs.
            keyed = [_KeyedRows()] if _defined(definition).sampled else None
            return [metric_types.MetricComputation([key], keyed, _Combiner(key, definition))]

        super().__init__(metric_util.merge_per_key_computations(compute), name=name)


@functools.lru_cache
def _defined(definition: Definition) -> Metric:
    """The metric, made anew in each worker: a function of a project need not be pickled."""
    task, classes, name, settings = definition
    return define(Task(task), classes, name, MetricSettings.model_validate_json(settings))


class _KeyedRows(metric_types.Preprocessor):
    """Labels, predictions and keys of rows."""

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {key: extracts[key] for key in (tfma.LABELS_KEY, tfma.PREDICTIONS_KEY, ROW_KEYS)}


@dataclasses.dataclass
class _Accumulator:
    """The statistics of the rows that were measured, and the rows that wait, as they came."""

    statistics: Any = None
    labels: list[Any] = dataclasses.field(default_factory=list)
    predictions: list[Any] = dataclasses.field(default_factory=list)
    keys: list[Any] = dataclasses.field(default_factory=list)
    waiting: int = 0


class _Combiner(beam.CombineFn):
    """Collects rows, measures them some at a time, and merges what was measured.

    Rows come as the arrays of `extractors`, or one at a time; of these there are very many, so
    taking one in does no more than it must.
    """

    def __init__(self, key: metric_types.MetricKey, definition: Definition) -> None:
        self._key, self._definition = key, definition

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(self, accumulator: _Accumulator, element: Any) -> _Accumulator:
        labels = self._of_model(element[tfma.LABELS_KEY])
        accumulator.labels.append(labels)
        accumulator.predictions.append(self._of_model(element[tfma.PREDICTIONS_KEY]))
        if ROW_KEYS in element:
            accumulator.keys.append(element[ROW_KEYS])
        accumulator.waiting += np.size(labels)
        return self._measure(accumulator, _ROWS_AT_ONCE)

    def merge_accumulators(self, accumulators: Iterable[_Accumulator]) -> _Accumulator:
        merged = self.create_accumulator()
        for other in accumulators:
            merged.statistics = self._merge(merged.statistics, other.statistics)
            merged.labels += other.labels
            merged.predictions += other.predictions
            merged.keys += other.keys
            merged.waiting += other.waiting
        return self._measure(merged, _ROWS_AT_ONCE)

    def compact(self, accumulator: _Accumulator) -> _Accumulator:
        return self._measure(accumulator, 1)

    def extract_output(self, accumulator: _Accumulator) -> dict[metric_types.MetricKey, float]:
        statistics = self._measure(accumulator, 1).statistics
        metric = _defined(self._definition)
        return {self._key: float("nan") if statistics is None else metric.finish(statistics)}

    def _of_model(self, values: Any) -> Any:
        """Several models have values each, under their names."""
        if not isinstance(values, dict):
            return values
        return next(iter(values.values())) if len(values) == 1 else values[self._key.model_name]

    def _measure(self, accumulator: _Accumulator, fewest: int) -> _Accumulator:
        """Measures the rows that wait, if they are enough."""
        if accumulator.waiting < fewest:
            return accumulator
        labels = [np.ravel(part) for part in accumulator.labels]
        predictions = [
            np.reshape(part, (len(of), -1))
            for part, of in zip(accumulator.predictions, labels, strict=True)
        ]
        keys = [np.ravel(part) for part in accumulator.keys]
        rows = Rows.of(
            np.concatenate(labels),
            np.concatenate(predictions),
            np.concatenate(keys) if keys else None,
        )
        measured = _defined(self._definition).measure(rows)
        return _Accumulator(self._merge(accumulator.statistics, measured))

    def _merge(self, one: Any, other: Any) -> Any:
        if one is None or other is None:
            return other if one is None else one
        return _defined(self._definition).merge(one, other)

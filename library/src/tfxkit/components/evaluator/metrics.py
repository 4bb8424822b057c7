"""The metrics of `tfxkit.metrics` as metrics of TFMA, and the extractors of their rows.

TFMA takes batches apart and measures row by row, in Python. If every metric is one of
`tfxkit.metrics`, each slice gets its rows as arrays instead, some ten thousand at once; that saves
a third of a whole run. TFMA's and Keras' own metrics take single rows only, so one of these among
the metrics brings TFMA's extractors back, for all metrics.

TFMA imports `DefinedMetric`, `PairedDifference` and `custom_extractors` from this module by name.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import apache_beam as beam
import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma
from apache_beam.transforms import window
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.utils import model_util

from tfxkit.components.evaluator.config import has_foreign_metrics, sampled_metrics
from tfxkit.config.dataset import MetricSettings, Task
from tfxkit.metrics.catalogue import define
from tfxkit.metrics.definition import Metric, Rows
from tfxkit.metrics.paired import PairedLoss

ROW_KEYS = "row_keys"  # the extract with a pseudo-random number for each row
_KEY_BYTES = 8
_SLICED_AT_ONCE = 50_000  # rows
# Single rows, as from TFMA's extractors, are measured in batches of this size.
_MEASURED_AT_ONCE = 1000

Definition: TypeAlias = tuple[str, tuple[str, ...], str, str]
SliceKey: TypeAlias = tuple[tuple[str, Any], ...]


class DefinedMetric(metric_types.Metric):
    """A metric of the library, or a function of the project, named by `EvalConfig`."""

    def __init__(self, name: str, task: str, classes: list[str], settings: dict[str, Any]) -> None:
        """Constructs the metric.

        Args:
            name: Name of the metric in the results.
            task: Task of the model.
            classes: Classes of the label; multiclass only.
            settings: Settings of `tfxkit.config.dataset.MetricSettings` that are set.
        """
        text = MetricSettings.model_validate(settings).model_dump_json()
        definition = (task, tuple(classes), name, text)

        def compute(
            name: str = "",
            model_name: str = "",
            output_name: str = "",
            example_weighted: bool = False,
        ) -> list[metric_types.MetricComputation]:
            """Makes the computation; TFMA passes arguments by these names (all positional)."""
            key = metric_types.MetricKey(
                name=name,
                model_name=model_name,
                output_name=output_name,
                example_weighted=example_weighted,
            )
            # Only a sampled metric needs keys of rows; the others share TFMA's standard inputs.
            keyed = [_KeyedRows()] if _defined(definition).sampled else None
            return [metric_types.MetricComputation([key], keyed, _Combiner(key, definition))]

        super().__init__(metric_util.merge_per_key_computations(compute), name=name)


@functools.lru_cache
def _defined(definition: Definition) -> Metric:
    """Metric, made again in each worker, so that a project's function need not be pickled."""
    task, classes, name, settings = definition
    return define(Task(task), classes, name, MetricSettings.model_validate_json(settings))


class PairedDifference(metric_types.Metric):
    """The losses of the candidate and the baseline on the same rows, named by `EvalConfig`.

    The result is an array: the values of `tfxkit.metrics.paired.PairedLosses`. Without a baseline
    there is none.
    """

    def __init__(self, name: str, task: str) -> None:
        """Constructs the metric.

        Args:
            name: Name of the metric in the results.
            task: Task of the models.
        """

        def compute(
            name: str = "",
            eval_config: Any = None,
            model_names: list[str] | None = None,
            example_weighted: bool = False,
        ) -> list[metric_types.MetricComputation]:
            """Makes the computation; TFMA passes arguments by these names (all positional)."""
            spec = model_util.get_baseline_model_spec(eval_config) if eval_config else None
            return [
                metric_types.MetricComputation(
                    [key], None, _PairedCombiner(key, spec.name, Task(task))
                )
                for model in model_names or []
                if spec is not None and model != spec.name
                for key in [
                    metric_types.MetricKey(
                        name=name,
                        model_name=model,
                        example_weighted=example_weighted,
                        is_diff=True,
                    )
                ]
            ]

        super().__init__(compute, name=name)


class _KeyedRows(metric_types.Preprocessor):
    """Labels, predictions and keys of rows."""

    def process(self, extracts: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {key: extracts[key] for key in (tfma.LABELS_KEY, tfma.PREDICTIONS_KEY, ROW_KEYS)}


@dataclasses.dataclass
class _Accumulator:
    """Statistics of the measured rows, and the waiting rows, unchanged."""

    statistics: Any = None
    labels: list[Any] = dataclasses.field(default_factory=list)
    predictions: list[Any] = dataclasses.field(default_factory=list)
    keys: list[Any] = dataclasses.field(default_factory=list)
    waiting: int = 0


class _Combiner(beam.CombineFn):
    """Collects rows, measures them in batches, and merges the statistics.

    Rows come as arrays of `custom_extractors`, or one at a time; as these are very many,
    `add_input` does as little as possible.
    """

    def __init__(self, key: metric_types.MetricKey, definition: Definition) -> None:
        self._key, self._definition = key, definition

    @property
    def _metric(self) -> Metric | PairedLoss:
        return _defined(self._definition)

    def create_accumulator(self) -> _Accumulator:
        return _Accumulator()

    def add_input(self, accumulator: _Accumulator, element: Any) -> _Accumulator:
        labels = self._of_model(element[tfma.LABELS_KEY])
        accumulator.labels.append(labels)
        accumulator.predictions.append(self._predictions(element[tfma.PREDICTIONS_KEY]))
        if ROW_KEYS in element:
            accumulator.keys.append(element[ROW_KEYS])
        accumulator.waiting += np.size(labels)
        return self._measure(accumulator, _MEASURED_AT_ONCE)

    def merge_accumulators(self, accumulators: Iterable[_Accumulator]) -> _Accumulator:
        merged = self.create_accumulator()
        for other in accumulators:
            merged.statistics = self._merge(merged.statistics, other.statistics)
            merged.labels += other.labels
            merged.predictions += other.predictions
            merged.keys += other.keys
            merged.waiting += other.waiting
        return self._measure(merged, _MEASURED_AT_ONCE)

    def compact(self, accumulator: _Accumulator) -> _Accumulator:
        return self._measure(accumulator, 1)

    def extract_output(self, accumulator: _Accumulator) -> dict[metric_types.MetricKey, Any]:
        statistics = self._measure(accumulator, 1).statistics
        if statistics is None:
            return {self._key: float("nan")}
        return {self._key: self._metric.finish(statistics)}

    def _predictions(self, values: Any) -> Any:
        return self._of_model(values)

    def _of_model(self, values: Any) -> Any:
        """Values of this model; several models have theirs under their names."""
        if not isinstance(values, dict):
            return values
        return next(iter(values.values())) if len(values) == 1 else values[self._key.model_name]

    def _measure(self, accumulator: _Accumulator, fewest: int) -> _Accumulator:
        """Measures the waiting rows, unless they are too few."""
        if accumulator.waiting < fewest:
            return accumulator
        labels = [np.ravel(part) for part in accumulator.labels]
        predictions = [
            np.reshape(part, (len(label), -1))
            for part, label in zip(accumulator.predictions, labels, strict=True)
        ]
        keys = [np.ravel(part) for part in accumulator.keys]
        rows = Rows.of(
            np.concatenate(labels),
            np.concatenate(predictions),
            np.concatenate(keys) if keys else None,
        )
        measured = self._metric.measure(rows)
        return _Accumulator(self._merge(accumulator.statistics, measured))

    def _merge(self, first: Any, second: Any) -> Any:
        if first is None or second is None:
            return second if first is None else first
        return self._metric.merge(first, second)


class _PairedCombiner(_Combiner):
    """Measures the predictions of both models together."""

    def __init__(self, key: metric_types.MetricKey, baseline: str, task: Task) -> None:
        self._key, self._baseline, self._task = key, baseline, task

    @property
    def _metric(self) -> PairedLoss:
        return PairedLoss(self._task)

    def extract_output(self, accumulator: _Accumulator) -> dict[metric_types.MetricKey, Any]:
        statistics = self._measure(accumulator, 1).statistics
        if statistics is None:
            return {self._key: float("nan")}
        return {self._key: np.array(dataclasses.astuple(self._metric.finish(statistics)))}

    def _predictions(self, values: Any) -> Any:
        """Outputs of the candidate before those of the baseline, for each row."""
        parts = [np.asarray(values[name]) for name in (self._key.model_name, self._baseline)]
        return np.concatenate([np.atleast_1d(part) for part in parts], axis=-1)


def custom_extractors(
    eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """Returns TFMA's default extractors, the last two replaced as far as the metrics allow."""
    *batched, unbatch, _ = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    if sampled_metrics(eval_config):
        batched.append(tfma.extractors.Extractor("KeyRows", beam.Map(_with_row_keys)))
    if has_foreign_metrics(eval_config):
        return [
            *batched,
            tfma.extractors.Extractor("KeepNeeded", beam.Map(_needed, _features(eval_config))),
            unbatch,
            tfma.extractors.Extractor("LabelledOnly", beam.FlatMap(_labelled_row)),
            tfma.extractors.SliceKeyExtractor(eval_config=eval_config, materialize=False),
        ]
    slices = [tuple(sorted(spec.feature_keys)) for spec in eval_config.slicing_specs]
    # TFMA looks for a stage of this name.
    name = slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME
    return [*batched, tfma.extractors.Extractor(name, beam.ParDo(_Slice(slices)))]


def _features(eval_config: Any) -> set[str]:
    """Names of features that slices, queries and metrics may use; each costs TFMA time."""
    names = {name for spec in eval_config.slicing_specs for name in spec.feature_keys}
    names |= {spec.query_key for spec in eval_config.metrics_specs}
    for metric in (metric for spec in eval_config.metrics_specs for metric in spec.metrics):
        names |= set(_texts(json.loads(metric.config or "{}")))
    return names


def _texts(settings: Any) -> Iterator[str]:
    """Yields all texts in a metric's settings; some of them name a feature."""
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, Mapping | list):
        for each in settings.values() if isinstance(settings, Mapping) else settings:
            yield from _texts(each)


def _needed(batch: dict[str, Any], features: set[str]) -> dict[str, Any]:
    """Removes transformed features from a batch, along which TFMA would cut slices."""
    kept = (tfma.LABELS_KEY, tfma.PREDICTIONS_KEY, ROW_KEYS)
    named = {name: v for name, v in batch[tfma.FEATURES_KEY].items() if name in features}
    return {**{key: batch[key] for key in kept if key in batch}, tfma.FEATURES_KEY: named}


def _labelled_row(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields a row with a label, without empty features, which TFMA rejects as query keys."""
    label = next(iter(_by_model(row[tfma.LABELS_KEY]).values()))
    if _has_label(np.atleast_1d(label)).all():
        features = row[tfma.FEATURES_KEY].items()
        yield {**row, tfma.FEATURES_KEY: {name: v for name, v in features if np.size(v)}}


def _with_row_keys(batch: dict[str, Any]) -> dict[str, Any]:
    """Adds a pseudo-random number for each row to a batch, the same for the same example."""
    hashes = [hashlib.blake2b(row, digest_size=_KEY_BYTES) for row in batch[tfma.INPUT_KEY]]
    keys = np.frombuffer(b"".join(each.digest() for each in hashes), np.uint64)
    return {**batch, ROW_KEYS: keys}


class _Slice(beam.DoFn):
    """Collects batches, drops rows without a label, and gives each slice its rows."""

    def __init__(self, slices: list[tuple[str, ...]]) -> None:
        self._slices = slices
        self._columns = sorted({name for columns in slices for name in columns})

    def start_bundle(self) -> None:
        self._rows = 0
        self._tables: list[pd.DataFrame] = []
        self._predictions: list[dict[str, np.ndarray]] = []

    def process(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        # Several models have the same label, each under its name.
        label = np.asarray(next(iter(_by_model(batch[tfma.LABELS_KEY]).values()))).ravel()
        table = {"": label}
        if ROW_KEYS in batch:
            table[ROW_KEYS] = batch[ROW_KEYS]
        for name in self._columns:
            table[name] = _first_values(batch[tfma.FEATURES_KEY][name], len(label))
        predictions = _by_model(batch[tfma.PREDICTIONS_KEY])
        known = _has_label(label)
        self._tables.append(pd.DataFrame(table)[known])
        self._predictions.append(
            {name: np.asarray(p).reshape(len(label), -1)[known] for name, p in predictions.items()}
        )
        self._rows += len(label)
        if self._rows >= _SLICED_AT_ONCE:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[window.WindowedValue]:
        for part in self._flush():
            yield window.GlobalWindows.windowed_value(part)

    def _flush(self) -> Iterator[dict[str, Any]]:
        if not self._tables:
            return
        table = pd.concat(self._tables, ignore_index=True)
        predictions = {
            name: np.concatenate([part[name] for part in self._predictions])
            for name in self._predictions[0]
        }
        self.start_bundle()
        for columns in self._slices:
            for key, rows in _parts(table, columns):
                part = {
                    tfma.LABELS_KEY: table[""].to_numpy()[rows],
                    tfma.PREDICTIONS_KEY: {name: p[rows] for name, p in predictions.items()},
                    tfma.SLICE_KEY_TYPES_KEY: slicer_lib.slice_keys_to_numpy_array([key]),
                }
                if ROW_KEYS in table:
                    part[ROW_KEYS] = table[ROW_KEYS].to_numpy()[rows]
                yield part


def _parts(table: pd.DataFrame, columns: tuple[str, ...]) -> Iterator[tuple[SliceKey, np.ndarray]]:
    """Yields the slices along some columns, and the numbers of their rows.

    A row that lacks a value in one of them is in no slice.
    """
    if not columns:
        yield (), np.arange(len(table))
        return
    for values, rows in table.groupby(list(columns), sort=False, dropna=True).indices.items():
        several = values if isinstance(values, tuple) else (values,)
        yield tuple(zip(columns, map(_plain, several), strict=True)), rows


def _plain(value: Any) -> Any:
    """Value as TFMA writes it: bytes, int or float, of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _by_model(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"": value}


def _first_values(column: Any, rows: int) -> pd.Series:
    """First value of each row, or None."""
    if isinstance(column, np.ndarray):
        values = column.reshape(rows, -1)
        return pd.Series(list(values[:, 0]) if values.shape[1] else [None] * rows, dtype=object)
    first_values = np.full(rows, None, object)
    row = np.asarray(column.indices)[::-1, 0]  # so that the first value of a row is set last
    first_values[row] = np.asarray(column.values)[::-1]
    return pd.Series(first_values)


def _has_label(label: np.ndarray) -> np.ndarray:
    """Mask of rows with a label: no class below 0 and no NaN, see `tfxkit.features.label`."""
    if np.issubdtype(label.dtype, np.integer):
        return label >= 0
    return ~np.isnan(label.astype(np.float64))

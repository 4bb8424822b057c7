"""Extractors of TFMA for the examples: row by row, or as arrays.

TFMA takes batches apart and measures row by row, in Python. Where every metric is one of
`tfxkit.metrics`, each slice gets its rows as arrays instead, some ten thousand at once; that saves
a third of a whole run. TFMA's and Keras' own metrics take single rows only, so one of them among
the metrics brings TFMA's extractors back, for all metrics.

The Evaluator finds `custom_extractors` here by its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma
from apache_beam.transforms import window
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.slicer import slicer_lib

from tfxkit.components.evaluator.config import has_foreign_metrics, sampled_metrics
from tfxkit.components.evaluator.metrics import ROW_KEYS

_ROWS_AT_ONCE = 50_000
_KEY_BYTES = 8
SliceKey = tuple[tuple[str, Any], ...]


def custom_extractors(
    eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's default extractors, the last two replaced as far as the metrics allow."""
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
    """The names that slices, queries and metrics may mean by a feature; TFMA pays for each."""
    names = {name for spec in eval_config.slicing_specs for name in spec.feature_keys}
    names |= {spec.query_key for spec in eval_config.metrics_specs}
    for metric in (metric for spec in eval_config.metrics_specs for metric in spec.metrics):
        names |= set(_texts(json.loads(metric.config or "{}")))
    return names


def _texts(settings: Any) -> Iterator[str]:
    """All texts in a metric's settings, some of which name a feature."""
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, Mapping | list):
        for each in settings.values() if isinstance(settings, Mapping) else settings:
            yield from _texts(each)


def _needed(batch: dict[str, Any], features: set[str]) -> dict[str, Any]:
    """The batch without transformed features, along which TFMA would cut slices."""
    kept = (tfma.LABELS_KEY, tfma.PREDICTIONS_KEY, ROW_KEYS)
    named = {name: v for name, v in batch[tfma.FEATURES_KEY].items() if name in features}
    return {**{key: batch[key] for key in kept if key in batch}, tfma.FEATURES_KEY: named}


def _labelled_row(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The row if it has a label; without empty features, which TFMA takes for no query key."""
    label = next(iter(_by_model(row[tfma.LABELS_KEY]).values()))
    if _has_label(np.atleast_1d(label)).all():
        features = row[tfma.FEATURES_KEY].items()
        yield {**row, tfma.FEATURES_KEY: {name: v for name, v in features if np.size(v)}}


def _with_row_keys(batch: dict[str, Any]) -> dict[str, Any]:
    """The batch with a pseudo-random number for each row, the same for the same example."""
    hashes = [hashlib.blake2b(row, digest_size=_KEY_BYTES) for row in batch[tfma.INPUT_KEY]]
    keys = np.frombuffer(b"".join(each.digest() for each in hashes), np.uint64)
    return {**batch, ROW_KEYS: keys}


class _Slice(beam.DoFn):
    """Collects batches, leaves out rows without a label, and gives each slice its rows."""

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
        if self._rows >= _ROWS_AT_ONCE:
            yield from self._flush()

    def finish_bundle(self) -> Iterator[window.WindowedValue]:
        for one in self._flush():
            yield window.GlobalWindows.windowed_value(one)

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
    """The slices along some columns, and the numbers of their rows.

    A row that lacks a value in one of them is in no slice.
    """
    if not columns:
        yield (), np.arange(len(table))
        return
    for values, rows in table.groupby(list(columns), sort=False, dropna=True).indices.items():
        several = values if isinstance(values, tuple) else (values,)
        yield tuple(zip(columns, map(_plain, several), strict=True)), rows


def _plain(value: Any) -> Any:
    """As TFMA writes it: bytes, int or float, of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _by_model(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"": value}


def _first_values(column: Any, rows: int) -> pd.Series:
    """The value of each row, or None."""
    if isinstance(column, np.ndarray):
        values = column.reshape(rows, -1)
        return pd.Series(list(values[:, 0]) if values.shape[1] else [None] * rows, dtype=object)
    found = np.full(rows, None, object)
    row = np.asarray(column.indices)[::-1, 0]  # so that the first value of a row is set last
    found[row] = np.asarray(column.values)[::-1]
    return pd.Series(found)


def _has_label(label: np.ndarray) -> np.ndarray:
    """A class below 0 or a NaN stands for no label, see `tfxkit.features.label`."""
    if np.issubdtype(label.dtype, np.integer):
        return label >= 0
    return ~np.isnan(label.astype(np.float64))

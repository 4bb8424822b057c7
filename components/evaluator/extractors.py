"""What TFMA extracts from the examples: its defaults, but the rows of a slice stay together.

TFMA takes batches apart and measures row by row, in Python; that was a third of a whole run. Here
each slice gets its rows as arrays, some ten thousand at once, and our metrics
(`components.evaluator.metrics`) take them so. None of TFMA's own metrics would.

The Evaluator finds `custom_extractors` here by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma
from apache_beam.transforms import window
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.slicer import slicer_lib

_ROWS_AT_ONCE = 50_000
SliceKey = tuple[tuple[str, Any], ...]


def custom_extractors(
    eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's default extractors; in place of the last two, which take batches apart, our own."""
    *others, _, _ = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    slices = [tuple(sorted(spec.feature_keys)) for spec in eval_config.slicing_specs]
    # TFMA looks for a stage of this name.
    name = slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME
    return [*others, tfma.extractors.Extractor(name, beam.ParDo(_Slice(slices)))]


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
                yield {
                    tfma.LABELS_KEY: table[""].to_numpy()[rows],
                    tfma.PREDICTIONS_KEY: {name: p[rows] for name, p in predictions.items()},
                    tfma.SLICE_KEY_TYPES_KEY: slicer_lib.slice_keys_to_numpy_array([key]),
                }


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

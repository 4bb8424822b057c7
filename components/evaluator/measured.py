"""Reads the metrics that TFMA wrote: of both models, as a whole and by slice."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluator.metrics import NEED_BOTH_CLASSES
from tfxkit.evaluation import EXAMPLE_COUNT, MEAN_LABEL, Metrics, SliceResult


@dataclasses.dataclass(frozen=True)
class Measured:
    """All metrics of an evaluation, see `components.evaluator.results.EvaluationResult`."""

    metrics: Metrics
    baseline_metrics: Metrics
    slices: tuple[SliceResult, ...]
    baseline_slices: Mapping[str, Metrics] = dataclasses.field(default_factory=dict)


def load(evaluation_uri: str) -> Measured:
    """Loads the metrics from the folder of the Evaluator's `evaluation`."""
    whole: Metrics = {}
    baseline: Metrics = {}
    slices, baseline_slices = [], {}
    for record in tfma.load_metrics(evaluation_uri):
        name = _slice_name(record.slice_key)
        if name:
            metrics = _metrics(record, baseline=False)
            examples = int(metrics.pop(EXAMPLE_COUNT) or 0)
            slices.append(SliceResult(name, examples, metrics))
            baseline_slices[name] = _metrics(record, baseline=True)
        else:
            whole, baseline = _metrics(record, baseline=False), _metrics(record, baseline=True)
    ordered = tuple(sorted(slices, key=lambda one: one.slice))
    return Measured(whole, baseline, ordered, baseline_slices)


def _slice_name(key: Any) -> str:
    parts = []
    for single in key.single_slice_keys:
        value = getattr(single, single.WhichOneof("kind"))
        text = value.decode(errors="replace") if isinstance(value, bytes) else f"{value:g}"
        parts.append(f"{single.column}: {text}")
    return ", ".join(parts)


def _metrics(record: Any, baseline: bool) -> Metrics:
    metrics: Metrics = {}
    for item in record.metric_keys_and_values:
        key = item.key
        # With one model only, TFMA gives it no name. Differences are computed where they are
        # needed; of an averaged metric, the single classes are left out.
        wanted = (key.model_name == tfma.BASELINE_KEY) == baseline and not key.is_diff
        if wanted and not key.HasField("sub_key"):
            value = item.value.double_value.value
            metrics[key.name] = value if math.isfinite(value) else None
    if metrics.get(MEAN_LABEL) in (0.0, 1.0):
        # TFMA's AUC is 0 then, as if the model were the worst there is.
        metrics |= dict.fromkeys(NEED_BOTH_CLASSES & metrics.keys())
    return metrics

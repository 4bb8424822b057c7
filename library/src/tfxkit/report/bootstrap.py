"""Confidence intervals: the range of a metric if evaluation were repeated on new data.

The percentile bootstrap (Efron and Tibshirani, 1993, "An introduction to the bootstrap", ch. 13),
with the same resamples for both models, so that uncertainty common to both drops out of their
difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tfxkit.errors import ModelError
from tfxkit.metrics import Metric, Rows
from tfxkit.metrics.definition import Weights, measurer
from tfxkit.report.eval_rows import EvalRows

LEVEL = 0.95
RESAMPLES = 1000
BLOCK_WEIGHTS = 2_000_000  # measured at a time: bounds the memory
_FEWEST_RESAMPLES = 200
_MOST_WEIGHTS = 10_000_000  # rows times resamples, in total
_DEFINED = 0.95  # share of resamples in which a metric must be defined
WHOLE = ""  # name of the slice of all rows

Intervals = dict[str, "Interval"]
Resampled = dict[str, NDArray[np.float64]]  # metric -> its value in each resample


@dataclasses.dataclass(frozen=True)
class Interval:
    """Range of a metric with probability `LEVEL`."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """Intervals by metric, for the whole (`WHOLE`) and each slice.

    Attributes:
        candidate: Intervals of the new model's metrics.
        change: Intervals of the new model's metrics less those of the served model.
        baseline: Metrics of the served model on the same rows.
    """

    candidate: dict[str, Intervals]
    change: dict[str, Intervals]
    baseline: dict[str, dict[str, float]]


def intervals(
    metrics: Mapping[str, Metric], candidate: EvalRows, baseline: EvalRows | None = None
) -> Uncertainty:
    """Computes all intervals of a run.

    Args:
        metrics: Definitions of the metrics, by name.
        candidate: Predictions of the new model.
        baseline: Predictions of the served model, for the same rows in the same order.
    """
    groups, blocks = _groups(candidate), list(resample_blocks(len(candidate.labels)))
    ours = _resampled(metrics, candidate, groups, blocks)
    theirs = _resampled(metrics, baseline, groups, blocks) if baseline else {}
    return Uncertainty(
        candidate={name: _intervals(values) for name, values in ours.items()},
        change=_changes(ours, theirs),
        baseline={
            name: _point_values(metrics, _rows(baseline, members))
            for name, members in groups.items()
            if baseline
        },
    )


def independent_change(
    metrics: Mapping[str, Metric], newer: EvalRows, older: EvalRows
) -> dict[str, Intervals]:
    """Computes the intervals of the change between models evaluated on different rows.

    Each model is measured on resamples of its own rows. Where the two have rows in common, the
    true interval is narrower.

    Returns:
        Intervals by metric, for the whole (`WHOLE`) and each slice that both have.
    """
    ours, theirs = (
        _resampled(metrics, rows, _groups(rows), list(resample_blocks(len(rows.labels), seed)))
        for seed, rows in enumerate((newer, older), start=1)
    )
    return _changes(ours, theirs)


def resample_blocks(rows: int, seed: int = 1) -> Iterator[Weights]:
    """Draws resamples, in blocks that are measured at a time; reproducible for a seed.

    Yields:
        How often each resample has each row, of shape [rows, resamples in the block].
    """
    if not rows:
        return
    count = int(np.clip(_MOST_WEIGHTS // rows, _FEWEST_RESAMPLES, RESAMPLES))
    size = max(1, min(count, BLOCK_WEIGHTS // rows))
    random = np.random.default_rng(seed)  # the page of a run is the same each time
    for number in [min(size, count - start) for start in range(0, count, size)]:
        yield _resample(random, number, rows)


def _groups(rows: EvalRows) -> dict[str, NDArray[np.intp]]:
    return {WHOLE: np.arange(len(rows.labels)), **rows.slices()}


def _resampled(
    metrics: Mapping[str, Metric],
    rows: EvalRows,
    groups: Mapping[str, NDArray[np.intp]],
    blocks: Sequence[Weights],
) -> dict[str, Resampled]:
    """Measures the metrics of each group in each resample."""
    resampled = {}
    for name, members in groups.items() if blocks else ():
        measure = measurer(metrics, _rows(rows, members))
        parts = blocks if name == WHOLE else (weights[members] for weights in blocks)
        resampled[name] = _joined([measure(part) for part in parts])
    return resampled


def _changes(
    ours: Mapping[str, Resampled], theirs: Mapping[str, Resampled]
) -> dict[str, Intervals]:
    changes = {}
    for name in ours.keys() & theirs.keys():
        pairs = {
            metric: (values, theirs[name][metric])
            for metric, values in ours[name].items()
            if metric in theirs[name]
        }
        # Many rows get fewer resamples (see `resample_blocks`), and so do functions.
        differences = {
            metric: new[: len(old)] - old[: len(new)] for metric, (new, old) in pairs.items()
        }
        changes[name] = _intervals(differences)
    return changes


def _resample(random: np.random.Generator, count: int, rows: int) -> Weights:
    drawn = random.integers(0, rows, (count, rows)) * count + np.arange(count)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=count * rows)
    return counts.reshape(rows, count).astype(np.float32)


def _joined(blocks: list[Resampled]) -> Resampled:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _intervals(resampled: Resampled) -> Intervals:
    ranges = {}
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    for name, values in resampled.items():
        defined = values[np.isfinite(values)]
        if len(defined) and len(defined) >= _DEFINED * len(values):
            low, high = np.quantile(defined, tails)
            ranges[name] = Interval(float(low), float(high))
    return ranges


def _point_values(metrics: Mapping[str, Metric], rows: Rows) -> dict[str, float]:
    values = {}
    for name, metric in metrics.items():
        try:
            value = metric.value(rows)
        except ModelError:  # a function that does not accept these rows
            continue
        if np.isfinite(value):
            values[name] = value
    return values


def _rows(rows: EvalRows, members: NDArray[np.intp]) -> Rows:
    return Rows.of(rows.labels[members], rows.predictions[members])

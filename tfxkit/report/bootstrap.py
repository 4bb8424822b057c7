"""Confidence intervals: how much a metric would move had the eval split other rows.

The percentile bootstrap (Efron and Tibshirani, 1993, "An introduction to the bootstrap", ch. 13),
with the same resamples for both models, so that what is uncertain about both alike drops out of
their difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tfxkit.errors import ModelError
from tfxkit.metrics import Metric, Rows
from tfxkit.metrics.definition import Weights
from tfxkit.metrics.resampling import measurer
from tfxkit.report.eval_rows import EvalRows

LEVEL = 0.95
RESAMPLES = 1000
_FEWEST_RESAMPLES = 200
_MOST_WEIGHTS = 10_000_000  # rows times resamples, for the whole
_BLOCK = 2_000_000  # of weights that are measured at a time
_DEFINED = 0.95  # of the resamples, or there is no interval
WHOLE = ""  # the name of the slice that is all rows

Intervals = dict[str, "Interval"]
Resampled = dict[str, NDArray[np.float64]]  # metric -> its value in each resample


@dataclasses.dataclass(frozen=True)
class Interval:
    """Where a metric lies, with a probability of `LEVEL`."""

    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """Of the whole (`WHOLE`) and of each slice: metric -> interval.

    Attributes:
        candidate: Of the new model.
        change: Of the new model's metric less that of the model being served.
        baseline: The metrics of the model being served, on the same rows.
    """

    candidate: dict[str, Intervals]
    change: dict[str, Intervals]
    baseline: dict[str, dict[str, float]]


def intervals(
    metrics: Mapping[str, Metric], candidate: EvalRows, baseline: EvalRows | None = None
) -> Uncertainty:
    """Computes all intervals.

    Args:
        metrics: Their definitions, by name.
        candidate: The answers of the new model.
        baseline: Those of the model being served, for the same rows in the same order.
    """
    groups, blocks = _groups(candidate), list(_blocks(len(candidate.labels)))
    ours = _resampled(metrics, candidate, groups, blocks)
    theirs = _resampled(metrics, baseline, groups, blocks) if baseline else {}
    return Uncertainty(
        candidate={name: _intervals(values) for name, values in ours.items()},
        change=_changes(ours, theirs),
        baseline={
            name: _plain(metrics, _rows(baseline, members))
            for name, members in groups.items()
            if baseline
        },
    )


def independent_change(
    metrics: Mapping[str, Metric], newer: EvalRows, older: EvalRows
) -> dict[str, Intervals]:
    """The intervals of the change between models that answered different rows.

    Each is measured on resamples of its own rows. Where both have some rows in common, the true
    interval is narrower.

    Returns:
        Of the whole (`WHOLE`) and of each slice that both have: metric -> interval.
    """
    ours, theirs = (
        _resampled(metrics, rows, _groups(rows), list(_blocks(len(rows.labels), seed)))
        for seed, rows in enumerate((newer, older), start=1)
    )
    return _changes(ours, theirs)


def _groups(rows: EvalRows) -> dict[str, NDArray[np.intp]]:
    return {WHOLE: np.arange(len(rows.labels)), **rows.slices()}


def _resampled(
    metrics: Mapping[str, Metric],
    rows: EvalRows,
    groups: Mapping[str, NDArray[np.intp]],
    blocks: Sequence[Weights],
) -> dict[str, Resampled]:
    """The metrics of each group in each resample."""
    found = {}
    for name, members in groups.items() if blocks else ():
        measured = measurer(metrics, _rows(rows, members))
        parts = blocks if name == WHOLE else (weights[members] for weights in blocks)
        found[name] = _joined([measured(part) for part in parts])
    return found


def _changes(
    ours: Mapping[str, Resampled], theirs: Mapping[str, Resampled]
) -> dict[str, Intervals]:
    found = {}
    for name in ours.keys() & theirs.keys():
        pairs = {
            metric: (values, theirs[name][metric])
            for metric, values in ours[name].items()
            if metric in theirs[name]
        }
        # Of very many rows there are fewer resamples, see `_blocks`; of a function fewer, too.
        changes = {
            metric: one[: len(other)] - other[: len(one)] for metric, (one, other) in pairs.items()
        }
        found[name] = _intervals(changes)
    return found


def _blocks(rows: int, seed: int = 1) -> Iterator[Weights]:
    """Resamples of the rows, as many at a time as are measured; with the same seed the same."""
    if not rows:
        return
    count = int(np.clip(_MOST_WEIGHTS // rows, _FEWEST_RESAMPLES, RESAMPLES))
    size = max(1, min(count, _BLOCK // rows))
    random = np.random.default_rng(seed)  # the page of a run is the same each time it is made
    sizes = [min(size, count - start) for start in range(0, count, size)]
    for number in sizes:
        yield _resample(random, number, rows)


def _resample(random: np.random.Generator, count: int, rows: int) -> Weights:
    """How often each of `count` resamples has each row, of shape [rows, count]."""
    drawn = random.integers(0, rows, (count, rows)) * count + np.arange(count)[:, np.newaxis]
    counts = np.bincount(drawn.ravel(), minlength=count * rows)
    return counts.reshape(rows, count).astype(np.float32)


def _joined(blocks: list[Resampled]) -> Resampled:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _intervals(resampled: Resampled) -> Intervals:
    found = {}
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    for name, values in resampled.items():
        defined = values[np.isfinite(values)]
        if len(defined) and len(defined) >= _DEFINED * len(values):
            low, high = np.quantile(defined, tails)
            found[name] = Interval(float(low), float(high))
    return found


def _plain(metrics: Mapping[str, Metric], rows: Rows) -> dict[str, float]:
    found = {}
    for name, metric in metrics.items():
        try:
            value = metric.value(rows)
        except ModelError:  # a function that takes no such rows
            continue
        if np.isfinite(value):
            found[name] = value
    return found


def _rows(rows: EvalRows, members: NDArray[np.intp]) -> Rows:
    return Rows.of(rows.labels[members], rows.predictions[members])

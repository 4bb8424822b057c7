"""How good both models are: the whole, each slice, each threshold."""

from __future__ import annotations

import dataclasses

from tfxkit.evaluation import COUNTS, SliceResult
from tfxkit.metrics.catalogue import better, renamed
from tfxkit.report.bootstrap import WHOLE, Interval
from tfxkit.report.comparison.pair import Pair
from tfxkit.report.metric_rows import MetricRow, bounds_shown, deciding_first
from tfxkit.runs.summary import Summary

_FEWEST = 100  # rows of a slice that is judged, where the configuration says nothing
_ORDER = {"worse": 0, "better": 1, "unclear": 2, "undirected": 2}


@dataclasses.dataclass(frozen=True)
class SliceChange:
    """A slice that both runs have, by the metric that slices are compared by.

    Attributes:
        name: Such as `payment_type: Cash`.
        older_rows, newer_rows: How many rows of the eval split are in it.
        older, newer: The metric.
        interval: Of the change.
        moved: `better`, `worse` or `unclear`, as far as the interval tells.
    """

    name: str
    older_rows: int
    newer_rows: int
    older: float | None
    newer: float | None
    interval: Interval | None
    moved: str

    @property
    def change(self) -> float | None:
        """Newer less older."""
        return None if self.older is None or self.newer is None else self.newer - self.older


@dataclasses.dataclass(frozen=True)
class BoundChange:
    """A threshold in both runs: whether it held (None: not asked for), and in words."""

    name: str
    older: bool | None
    newer: bool | None
    older_detail: str
    newer_detail: str

    @property
    def moved(self) -> bool:
        """Whether the outcome is another one."""
        return self.older is not self.newer


@dataclasses.dataclass(frozen=True)
class Metrics:
    """The section.

    Attributes:
        rows: Metrics of the whole; `served` is the older value, `value` the newer one.
        older_rows, newer_rows: How many rows were evaluated.
        every: Of how many of them one was taken for the intervals.
        by: The metric that slices are compared by.
        clear: Slices that got worse, then those that got better, as far as intervals tell.
        unclear: The other slices that have rows enough.
        small: How many slices have too few rows to judge.
        fewest: How many rows are enough.
        only_older, only_newer: Slices that the other run does not have.
        bounds: Thresholds of both runs.
    """

    rows: list[MetricRow]
    older_rows: int
    newer_rows: int
    every: int
    by: str
    clear: list[SliceChange]
    unclear: list[SliceChange]
    small: int
    fewest: int
    only_older: list[str]
    only_newer: list[str]
    bounds: list[BoundChange]

    def slices(self, moved: str) -> list[SliceChange]:
        """Those that clearly got `better`, or `worse`."""
        return [one for one in self.clear if one.moved == moved]


def make(pair: Pair) -> Metrics:
    """Collects the section."""
    older, newer = pair.older.summary, pair.newer.summary
    changes = pair.changes.get(WHOLE, {})
    evaluation = pair.newer.dataset.evaluation
    served = _renamed(pair, older.metrics)
    rows = [
        MetricRow(
            name=name,
            value=value,
            interval=None,
            served=served.get(name),
            change=changes.get(name),
            better=better(evaluation, name),
            bounds=bounds_shown(pair.newer, name),
        )
        for name, value in newer.metrics.items()
        if name not in COUNTS
    ]
    rows = deciding_first(pair.newer, rows)
    worst = evaluation.worst_slice
    directed = (row.name for row in rows if row.has_direction)
    by = worst.metric if worst else next(directed, rows[0].name if rows else "")
    fewest = worst.min_examples if worst else _FEWEST
    before = {one.slice: one for one in older.slices}
    after = {one.slice: one for one in newer.slices}
    slices = [_slice(pair, by, before[name], after[name]) for name in after if name in before]
    large = [one for one in slices if min(one.older_rows, one.newer_rows) >= fewest]
    large.sort(key=lambda one: (_ORDER[one.moved], -abs(one.change or 0.0), one.name))
    clear = [one for one in large if one.moved in ("better", "worse")]
    return Metrics(
        rows=rows,
        older_rows=older.evaluated_rows,
        newer_rows=newer.evaluated_rows,
        every=pair.newer.eval_rows.every if pair.has_answers and pair.newer.eval_rows else 1,
        by=by,
        clear=clear,
        unclear=[one for one in large if one not in clear],
        small=len(slices) - len(large),
        fewest=fewest,
        only_older=sorted(before.keys() - after.keys()),
        only_newer=sorted(after.keys() - before.keys()),
        bounds=bound_changes(older, newer),
    )


def _slice(pair: Pair, by: str, older: SliceResult, newer: SliceResult) -> SliceChange:
    interval = pair.changes.get(newer.slice, {}).get(by)
    before, after = _renamed(pair, older.metrics).get(by), newer.metrics.get(by)
    direction = better(pair.newer.dataset.evaluation, by)
    return SliceChange(
        name=newer.slice,
        older_rows=older.examples or 0,
        newer_rows=newer.examples or 0,
        older=before,
        newer=after,
        interval=interval,
        moved=MetricRow(by, after, None, before, interval, direction, ()).moved,
    )


def _renamed(pair: Pair, metrics: dict[str, float | None]) -> dict[str, float | None]:
    """The metrics of the older run, under the names that they have now."""
    return {renamed(pair.older.dataset.task, name): value for name, value in metrics.items()}


def bound_changes(older: Summary, newer: Summary) -> list[BoundChange]:
    """All thresholds that one of two runs was held to, with the outcome in both."""
    before, after = _outcomes(older), _outcomes(newer)
    changes = []
    for name in {**after, **before}:
        (held, told), (holds, tells) = (found.get(name, (None, "")) for found in (before, after))
        changes.append(BoundChange(name, held, holds, told, tells))
    return changes


def _outcomes(summary: Summary) -> dict[str, tuple[bool | None, str]]:
    found: dict[str, tuple[bool | None, str]] = {
        check.name: (check.passed, check.detail) for check in summary.thresholds
    }
    if check := summary.serving_check:
        told = (
            f"one row takes {check['latency_ms']:.1f} ms, {check['peak_memory_mb']:.0f} MB"
            if check["blessed"]
            else str(check["reason"])
        )
        found["serving check"] = bool(check["blessed"]), told
    return found

"""The metrics of the whole eval split beside thresholds, intervals, and the model being served."""

from __future__ import annotations

import dataclasses

from tfxkit.evaluation import COUNTS
from tfxkit.metrics.catalogue import better
from tfxkit.metrics.definition import sign
from tfxkit.report.bootstrap import WHOLE, Interval
from tfxkit.report.run import Run
from tfxkit.runs.terminal import BOUNDS

_ROUNDING = 1e-6  # TFMA sums in another order each time


@dataclasses.dataclass(frozen=True)
class BoundShown:
    """A threshold, as text, and whether it holds."""

    text: str
    passed: bool


@dataclasses.dataclass(frozen=True)
class MetricRow:
    """A metric.

    Attributes:
        name: As in the configuration.
        value: The Evaluator's; None where it is not defined.
        interval: Of the value, if there is one.
        served: The value of the model being served.
        change: The interval of the change, if there is one.
        better: Which direction is the better one: `higher`, `lower`, `near X` or `unknown`.
        bounds: What it was held to.
    """

    name: str
    value: float | None
    interval: Interval | None
    served: float | None
    change: Interval | None
    better: str
    bounds: tuple[BoundShown, ...]

    @property
    def passed(self) -> bool | None:
        """True if all thresholds hold; None without any."""
        return all(bound.passed for bound in self.bounds) if self.bounds else None

    @property
    def has_direction(self) -> bool:
        """False for a value that is best near a number, or whose better direction is unknown."""
        return sign(self.better) != 0

    @property
    def difference(self) -> float | None:
        """The value less that of the model being served; 0 where only rounding differs."""
        if self.value is None or self.served is None:
            return None
        change = self.value - self.served
        return change if abs(change) > _ROUNDING * abs(self.served) else 0.0

    @property
    def moved(self) -> str:
        """`better`, `worse` or `unclear`, as far as the interval of the change tells.

        `undirected` where neither higher nor lower values are known to be better.
        """
        if not self.has_direction:
            return "undirected"
        if self.change is None:
            return "unclear"
        ends = [sign(self.better) * end for end in (self.change.low, self.change.high)]
        if min(ends) > 0:
            return "better"
        return "worse" if max(ends) < 0 else "unclear"


def metric_rows(run: Run) -> list[MetricRow]:
    """The metrics, those with thresholds first."""
    summary = run.summary
    served = summary.baseline.metrics if summary.baseline else {}
    intervals = run.uncertainty.candidate.get(WHOLE, {}) if run.uncertainty else {}
    changes = run.uncertainty.change.get(WHOLE, {}) if run.uncertainty else {}
    rows = [
        MetricRow(
            name=name,
            value=value,
            interval=intervals.get(name),
            served=served.get(name),
            change=changes.get(name),
            better=better(run.dataset.evaluation, name),
            bounds=bounds_shown(run, name),
        )
        for name, value in summary.metrics.items()
        if name not in COUNTS
    ]
    return deciding_first(run, rows)


def deciding_first(run: Run, rows: list[MetricRow]) -> list[MetricRow]:
    """Puts those with thresholds first, as they are configured."""
    order = list(run.summary.bounds())
    last = len(order)
    return sorted(rows, key=lambda row: order.index(row.name) if row.name in order else last)


def bounds_shown(run: Run, name: str) -> tuple[BoundShown, ...]:
    """The thresholds that a metric was held to."""
    configured = run.summary.bounds().get(name) or {}
    shown = []
    for check in run.summary.thresholds:
        metric, _, kind = check.name.rpartition(": ")
        if metric == name and kind in BOUNDS and configured:
            shown.append(BoundShown(BOUNDS[kind].format(**configured), check.passed))
    return tuple(shown)

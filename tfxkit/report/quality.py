"""The quality of a model, overall and by slice, against thresholds and the model being served."""

from __future__ import annotations

import dataclasses

from tfxkit.evaluation import GapResult, SliceResult
from tfxkit.metrics.catalogue import base_name, better
from tfxkit.metrics.definition import LOWER
from tfxkit.report import words
from tfxkit.report.bootstrap import Interval
from tfxkit.report.metric_rows import MetricRow, metric_rows
from tfxkit.report.run import Run

_DOT_WIDTH = 130.0  # of the drawing of an interval
_MARGIN = 6.0


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Where an interval is drawn, from the left, in pixels."""

    low: float
    value: float
    high: float
    served: float | None


@dataclasses.dataclass(frozen=True)
class SliceRow:
    """A slice, by the metric that slices are compared by."""

    name: str
    rows: int
    value: float | None
    interval: Interval | None
    served: float | None
    change: float | None
    moved: str
    others: tuple[float | None, ...]
    drawn: Drawn | None


@dataclasses.dataclass(frozen=True)
class Quality:
    """The section.

    Attributes:
        rows: How many rows were evaluated.
        every: Of how many of them one was taken for the intervals.
        metrics: The whole.
        checks: Thresholds that no single metric of the whole has, in words, and whether they hold.
        by: The metric that slices are compared by.
        others: Further metrics of slices.
        large: The slices that are large enough to be judged, the worst first.
        small: The others.
        fewest: How many rows make a slice large enough.
        bound: Where the threshold of the worst slice is drawn.
        gaps: Differences between the groups of slices.
        notes: What a reader must know of single metrics: why there is no interval, a sample.
    """

    rows: int
    every: int
    metrics: list[MetricRow]
    checks: list[tuple[str, bool]]
    by: str
    others: tuple[str, ...]
    large: list[SliceRow]
    small: list[SliceRow]
    fewest: int
    bound: float | None
    has_served: bool
    gaps: tuple[GapResult, ...]
    notes: list[str]


def make(run: Run) -> Quality | None:
    """Collects the section; None if nothing was evaluated."""
    summary = run.summary
    if not summary.metrics:
        return None
    rows = metric_rows(run)
    evaluation = run.dataset.evaluation
    worst = evaluation.worst_slice
    directed = [row.name for row in rows if row.has_direction]
    by = worst.metric if worst else next(iter(directed), rows[0].name if rows else "")
    others = tuple(name for name in directed if name != by)[:2]
    fewest = worst.min_examples if worst else 100
    slices = [_slice(run, one, by, others) for one in summary.slices]
    large = [one for one in slices if one.rows >= fewest]
    limit = None if worst is None else (worst.max if worst.min is None else worst.min)
    scale = _Scale.over(large, limit)
    sign = -1 if better(evaluation, by) == LOWER else 1
    large = sorted(
        large, key=lambda one: sign * (one.value if one.value is not None else sign * 9e99)
    )
    return Quality(
        rows=summary.evaluated_rows,
        every=run.eval_rows.every if run.uncertainty and run.eval_rows else 1,
        metrics=rows,
        checks=[
            (check.detail, check.passed)
            for check in summary.thresholds
            if check.name.rpartition(": ")[2] not in ("min", "max", "change")
        ],
        by=by,
        others=others,
        large=[dataclasses.replace(one, drawn=scale.draw(one)) for one in large],
        small=sorted((one for one in slices if one.rows < fewest), key=lambda one: -one.rows),
        fewest=fewest,
        bound=None if limit is None else scale.place(limit),
        has_served=bool(run.uncertainty and run.uncertainty.baseline),
        gaps=summary.gaps,
        notes=_notes(run, rows),
    )


def _notes(run: Run, rows: list[MetricRow]) -> list[str]:
    """Notes on metrics without an interval, and on those measured on a sample."""
    without = [row.name for row in rows if row.interval is None] if run.uncertainty else []
    configured = run.dataset.evaluation.metrics
    unknown = {n: configured.get(base_name(n)) for n in without if n not in run.definitions}
    classes = [name for name, settings in unknown.items() if settings and settings.class_name]
    gone = [name for name, settings in unknown.items() if settings and settings.function]
    chance = [n for n in without if n in run.definitions and not run.definitions[n].has_interval]
    failing = [
        name
        for name in without
        if name in run.definitions
        and run.definitions[name].has_interval
        and (settings := configured.get(name)) is not None
        and settings.function is not None
    ]
    notes = []
    if classes:
        notes.append(
            f"No interval: {', '.join(map(words.title, classes))}. Metrics of TFMA and Keras are "
            "measured by the Evaluator alone."
        )
    if gone:
        notes.append(
            f"No interval: {', '.join(map(words.title, gone))}. The function of the project cannot "
            "be loaded any more."
        )
    if chance:
        notes.append(
            f"No interval: {', '.join(map(words.title, chance))}. Chance alone makes it larger in "
            "each resample, so resamples cannot tell."
        )
    if failing:
        notes.append(
            f"No interval: {', '.join(map(words.title, failing))}. In more than 5% of the "
            "resamples, the code of the project raises an error or returns NaN."
        )
    notes += [
        f"{words.title(name)} was measured on a uniform sample of {rows:,} rows."
        for name, rows in run.summary.sampled.items()
    ]
    return notes


def _slice(run: Run, one: SliceResult, by: str, others: tuple[str, ...]) -> SliceRow:
    uncertainty = run.uncertainty
    value = one.metrics.get(by)
    intervals = uncertainty.candidate.get(one.slice, {}) if uncertainty else {}
    served = uncertainty.baseline.get(one.slice, {}).get(by) if uncertainty else None
    change = uncertainty.change.get(one.slice, {}).get(by) if uncertainty else None
    moved = MetricRow(by, value, None, served, change, better(run.dataset.evaluation, by), ()).moved
    return SliceRow(
        name=one.slice,
        rows=one.examples or 0,
        value=value,
        interval=intervals.get(by),
        served=served,
        change=None if value is None or served is None else value - served,
        moved=moved,
        others=tuple(one.metrics.get(name) for name in others),
        drawn=None,
    )


@dataclasses.dataclass(frozen=True)
class _Scale:
    """From values to pixels."""

    low: float
    high: float

    @classmethod
    def over(cls, rows: list[SliceRow], limit: float | None) -> _Scale:
        values = [limit] if limit is not None else []
        for row in rows:
            values += [value for value in (row.value, row.served) if value is not None]
            values += [row.interval.low, row.interval.high] if row.interval else []
        return cls(min(values, default=0.0), max(values, default=1.0))

    def place(self, value: float) -> float:
        width = (self.high - self.low) or 1.0
        share = (value - self.low) / width
        return round(_MARGIN + share * (_DOT_WIDTH - 2 * _MARGIN), 1)

    def draw(self, row: SliceRow) -> Drawn | None:
        if row.value is None:
            return None
        found = row.interval or Interval(row.value, row.value)
        return Drawn(
            low=self.place(min(found.low, row.value)),
            value=self.place(row.value),
            high=self.place(max(found.high, row.value)),
            served=None if row.served is None else self.place(row.served),
        )

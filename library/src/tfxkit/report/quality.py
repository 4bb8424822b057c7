"""The quality of a model, overall and by slice, against thresholds and the served model."""

from __future__ import annotations

import dataclasses

from tfxkit.evaluation import COUNTS, GapResult, SliceResult
from tfxkit.metrics import ResampledMetric
from tfxkit.metrics.catalogue import base_name, better
from tfxkit.metrics.definition import LOWER, sign
from tfxkit.report import formatting
from tfxkit.report.bootstrap import WHOLE, Interval
from tfxkit.report.run import Run
from tfxkit.runs.terminal import THRESHOLD_TEXTS

FEWEST_ROWS = 100  # of a slice that is judged, unless the configuration sets another minimum
_ROUNDING = 1e-6  # TFMA sums in another order each time
_DOT_WIDTH = 130.0  # of the drawing of an interval
_MARGIN = 6.0


@dataclasses.dataclass(frozen=True)
class ThresholdShown:
    """A threshold, as text, and its outcome."""

    text: str
    passed: bool


@dataclasses.dataclass(frozen=True)
class MetricRow:
    """A metric of the whole eval split.

    Attributes:
        name: As in the configuration.
        value: The Evaluator's; None where it is not defined.
        interval: Of the value, if there is one.
        served: The value of the served model.
        change: The interval of the change, if there is one.
        better: The better direction: `higher`, `lower`, `near X` or `unknown`.
        thresholds: Its thresholds with their outcome.
    """

    name: str
    value: float | None
    interval: Interval | None
    served: float | None
    change: Interval | None
    better: str
    thresholds: tuple[ThresholdShown, ...]

    @property
    def has_direction(self) -> bool:
        """False for a value that is best near a number, or whose better direction is unknown."""
        return sign(self.better) != 0

    @property
    def difference(self) -> float | None:
        """The value less that of the served model; 0 where only rounding differs."""
        if self.value is None or self.served is None:
            return None
        change = self.value - self.served
        return change if abs(change) > _ROUNDING * abs(self.served) else 0.0

    @property
    def moved(self) -> str:
        """`better`, `worse` or `unclear`, by the interval of the change.

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


@dataclasses.dataclass(frozen=True)
class DrawnInterval:
    """Position of an interval in its drawing, in pixels from the left."""

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
    drawn: DrawnInterval | None


@dataclasses.dataclass(frozen=True)
class QualitySection:
    """Section `quality` of the page.

    Attributes:
        rows: Number of rows that were evaluated.
        every: Sampling interval of the rows behind the confidence intervals.
        metrics: Of the whole.
        checks: Text and outcome of thresholds that no single metric of the whole has.
        by: The metric that slices are compared by.
        others: Further metrics of slices.
        large: The slices with enough rows to be judged, the worst first.
        small: The others.
        fewest: Minimum number of rows of a large slice.
        threshold_x: Position of the worst slice's threshold in the drawings.
        gaps: Differences between the groups of slices.
        notes: Remarks on single metrics: the reason for a missing interval, a sample.
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
    threshold_x: float | None
    has_served: bool
    gaps: tuple[GapResult, ...]
    notes: list[str]


def build_quality(run: Run) -> QualitySection | None:
    """Builds the section; None if nothing was evaluated."""
    summary = run.summary
    if not summary.metrics:
        return None
    rows = metric_rows(run)
    evaluation = run.dataset.evaluation
    worst = evaluation.worst_slice
    directed = [row.name for row in rows if row.has_direction]
    by = worst.metric if worst else next(iter(directed), rows[0].name if rows else "")
    others = tuple(name for name in directed if name != by)[:2]
    fewest = worst.min_examples if worst else FEWEST_ROWS
    slices = [_slice_row(run, result, by, others) for result in summary.slices]
    large = [row for row in slices if row.rows >= fewest]
    limit = None if worst is None else (worst.max if worst.min is None else worst.min)
    scale = _Scale.over(large, limit)
    order = -1 if better(evaluation, by) == LOWER else 1
    large = sorted(
        large, key=lambda row: order * (row.value if row.value is not None else order * 9e99)
    )
    return QualitySection(
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
        large=[dataclasses.replace(row, drawn=scale.draw(row)) for row in large],
        small=sorted((row for row in slices if row.rows < fewest), key=lambda row: -row.rows),
        fewest=fewest,
        threshold_x=None if limit is None else scale.place(limit),
        has_served=bool(run.uncertainty and run.uncertainty.baseline),
        gaps=summary.gaps,
        notes=_notes(run, rows),
    )


def metric_rows(run: Run) -> list[MetricRow]:
    """Metrics of the whole eval split, those with thresholds first."""
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
            thresholds=thresholds_shown(run, name),
        )
        for name, value in summary.metrics.items()
        if name not in COUNTS
    ]
    return deciding_first(run, rows)


def deciding_first(run: Run, rows: list[MetricRow]) -> list[MetricRow]:
    """Sorts metrics with thresholds to the front, in the order of the configuration."""
    order = list(run.summary.configured_thresholds())
    last = len(order)
    return sorted(rows, key=lambda row: order.index(row.name) if row.name in order else last)


def thresholds_shown(run: Run, name: str) -> tuple[ThresholdShown, ...]:
    """Thresholds of a metric, with their outcome."""
    configured = run.summary.configured_thresholds().get(name) or {}
    shown = []
    for check in run.summary.thresholds:
        metric, _, limit = check.name.rpartition(": ")
        if metric == name and limit in THRESHOLD_TEXTS and configured:
            shown.append(ThresholdShown(THRESHOLD_TEXTS[limit].format(**configured), check.passed))
    return tuple(shown)


def _notes(run: Run, rows: list[MetricRow]) -> list[str]:
    """Notes on metrics without an interval, and on those measured on a sample."""
    without = [row.name for row in rows if row.interval is None] if run.uncertainty else []
    configured = run.dataset.evaluation.metrics
    unknown = {n: configured.get(base_name(n)) for n in without if n not in run.definitions}
    classes = [name for name, settings in unknown.items() if settings and settings.class_name]
    gone = [name for name, settings in unknown.items() if settings and settings.function]
    resampled = {
        name
        for name, definition in run.definitions.items()
        if isinstance(definition, ResampledMetric)
    }
    own = {name for name, settings in configured.items() if settings and settings.function}
    single = [name for name in without if name in run.definitions and name not in resampled]
    chance = [name for name in single if name not in own]
    value_only = [name for name in single if name in own]
    failing = [name for name in without if name in resampled and name in own]
    notes = [
        f"No interval: {', '.join(map(formatting.title, names))}. {reason}"
        for names, reason in (
            (classes, "Metrics of TFMA and Keras are measured by the Evaluator alone."),
            (gone, "The function of the project cannot be loaded any more."),
            (
                chance,
                "Chance alone makes it larger in each resample, so resamples cannot tell.",
            ),
            (value_only, "Only a definition with resamples (ResampledMetric) has one."),
            (
                failing,
                "In more than 5% of the resamples, the code of the project raises an error or "
                "returns NaN.",
            ),
        )
        if names
    ]
    notes += [
        f"{formatting.title(name)} was measured on a uniform sample of {rows:,} rows."
        for name, rows in run.summary.sampled.items()
    ]
    return notes


def _slice_row(run: Run, result: SliceResult, by: str, others: tuple[str, ...]) -> SliceRow:
    uncertainty = run.uncertainty
    value = result.metrics.get(by)
    intervals = uncertainty.candidate.get(result.slice, {}) if uncertainty else {}
    served = uncertainty.baseline.get(result.slice, {}).get(by) if uncertainty else None
    change = uncertainty.change.get(result.slice, {}).get(by) if uncertainty else None
    moved = MetricRow(by, value, None, served, change, better(run.dataset.evaluation, by), ()).moved
    return SliceRow(
        name=result.slice,
        rows=result.examples or 0,
        value=value,
        interval=intervals.get(by),
        served=served,
        change=None if value is None or served is None else value - served,
        moved=moved,
        others=tuple(result.metrics.get(name) for name in others),
        drawn=None,
    )


@dataclasses.dataclass(frozen=True)
class _Scale:
    """Scale from values to pixels."""

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

    def draw(self, row: SliceRow) -> DrawnInterval | None:
        if row.value is None:
            return None
        interval = row.interval or Interval(row.value, row.value)
        return DrawnInterval(
            low=self.place(min(interval.low, row.value)),
            value=self.place(row.value),
            high=self.place(max(interval.high, row.value)),
            served=None if row.served is None else self.place(row.served),
        )

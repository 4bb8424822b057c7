"""The data of a run beside the served model's data: distributions, numbers, drift, findings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from tfxkit.components.data_gate import drift
from tfxkit.components.data_gate.drift import NotComparableError, infinity_norm, jensen_shannon
from tfxkit.components.data_gate.findings import GateReport, read_anomalies
from tfxkit.components.data_gate.labels import label_findings
from tfxkit.config.dataset import Role
from tfxkit.report import formatting
from tfxkit.report.formatting import Formatter
from tfxkit.report.run import Run
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.summary import State, Status
from tfxkit.storage.artifacts import (
    REASON,
    ColumnStatistics,
    quantile_histogram,
    read_columns,
    split_names,
    statistics_file,
)

SERVED = "served"
HISTOGRAM_BINS = 16
_HISTOGRAM_VALUES = 8
_WIDTH, _HEIGHT = 160.0, 44.0
_REACH = 1.5  # reach of the bins beyond the middle four fifths, in their width
_MOST_VALUES = 5
_FEWEST_ROWS = 10  # of a value that is shown: a rarer one may identify somebody
_DIVERGENCE, _SHARE = "Jensen-Shannon divergence", "largest change of a share"
_FIRST = ("train", "eval")


@dataclasses.dataclass(frozen=True)
class ColumnHistogram:
    """Bars for the first data set, an outline for each of the others.

    Attributes:
        low, high: Labels of the ends; empty without values.
        bars: x, y, width, height.
        outlines: By name of the data set: the points of an SVG polyline.
    """

    low: str
    high: str
    bars: list[tuple[float, float, float, float]]
    outlines: dict[str, str]


@dataclasses.dataclass(frozen=True)
class ColumnNumbers:
    """Numbers that describe a column in one data set.

    Attributes:
        missing: The share of rows without a value.
        middle: The median, or the most frequent value.
        facts: Name -> text, of numbers or of text.
    """

    missing: float
    middle: str
    facts: dict[str, str]


@dataclasses.dataclass(frozen=True)
class ColumnDrift:
    """Distance of a column from the served model's data.

    Attributes:
        distance: The largest of all splits.
        kind: Jensen-Shannon divergence, or largest change of a share.
        threshold: The largest distance allowed; None without a threshold.
    """

    distance: float
    kind: str
    threshold: float | None

    @property
    def exceeded(self) -> bool:
        """True if the distance is above its threshold."""
        return self.threshold is not None and self.distance > self.threshold


@dataclasses.dataclass(frozen=True)
class ColumnRow:
    """A column of the raw data, in each split and in the served model's data."""

    name: str
    role: str
    why: str
    histogram: ColumnHistogram
    numbers: Mapping[str, ColumnNumbers]
    drift: ColumnDrift | None
    findings: list[Mapping[str, Any]]

    @property
    def worst(self) -> str | None:
        """The severity of the worst finding; None without any."""
        return min((finding["severity"] for finding in self.findings), default=None)


@dataclasses.dataclass(frozen=True)
class DataSection:
    """Section `data` of the page.

    Attributes:
        sets: The names of the data sets: the splits, and `served`.
        rows: Number of rows in each.
        columns: In the order of the description of the data.
        findings: All findings of the data gate, worst first.
        not_measured: The comparisons that could not be made.
        no_baseline: The reason for a missing baseline.
        gate: Outcome of the data gate: `passed`, `stopped`, `failed`, `not reached`; or `absent`,
            where the pipeline has none.
        held_to_schema: True if the run compared the data with the schema.
    """

    sets: list[str]
    rows: Mapping[str, int]
    columns: list[ColumnRow]
    findings: list[Mapping[str, Any]]
    not_measured: list[str]
    no_baseline: str | None
    gate: str
    held_to_schema: bool


def build_data(run: Run) -> DataSection | None:
    """Builds the section; None without statistics."""
    statistics = run.artifact("StatisticsGen", "statistics")
    if statistics is None:
        return None
    now = statistics_by_split(statistics)
    baseline = run.artifact("Baseline", "statistics")
    before = statistics_by_split(baseline) if baseline else {}
    report = _gate_report(run, now, before)
    sets = sorted(now, key=lambda split: (*(split != first for first in _FIRST), split))
    served = before.get("train", {})
    described = run.dataset.columns
    names = [*described, *sorted({name for s in now.values() for name in s} - described.keys())]
    columns = []
    for name in names:
        by_set = {split: now[split][name] for split in sets if name in now[split]}
        by_set |= {SERVED: served[name]} if name in served else {}
        if not by_set:
            continue
        write = value_formatter(run, name)
        columns.append(
            ColumnRow(
                name=name,
                role=column_role(run, name),
                why=described[name].why if name in described else "",
                histogram=draw_histogram(by_set, write),
                numbers={key: column_numbers(column, write) for key, column in by_set.items()},
                drift=column_drift(run, name, now, before),
                findings=[each for each in report["findings"] if each["column"] == name],
            )
        )
    return DataSection(
        sets=[*sets, *([SERVED] if served else [])],
        rows={s: row_count(now[s]) for s in sets} | ({SERVED: row_count(served)} if served else {}),
        columns=columns,
        findings=sorted(report["findings"], key=lambda each: (each["severity"], each["column"])),
        not_measured=report["not_measured"],
        no_baseline=report["no_baseline"],
        gate=_gate_outcome(run),
        held_to_schema=run.artifact("ExampleValidator", "anomalies") is not None,
    )


def statistics_by_split(artifact: Artifact) -> dict[str, ColumnStatistics]:
    """Reads the statistics of each split."""
    uri = artifact.uri
    return {split: read_columns(statistics_file(uri, split)) for split in split_names(uri)}


def row_count(columns: ColumnStatistics) -> int:
    """Number of rows behind statistics."""
    return max((int(_rows_and_missing(column)[0]) for column in columns.values()), default=0)


def column_role(run: Run, name: str) -> str:
    """Role of a column, in a word or two."""
    if name in run.dataset.label_sources():
        return "label"
    options = run.dataset.columns.get(name)
    return str(options.role) if options else "not described"


def value_formatter(run: Run, name: str) -> Formatter | None:
    """Formatter of a column's values: dates for a timestamp, else numbers; None to hide them."""
    if not run.dataset.shows_values(name):
        return None
    options = run.dataset.columns.get(name)
    if options is not None and options.role is Role.TIMESTAMP:
        return formatting.date_formatter(options.unit)
    return formatting.number


def column_drift(
    run: Run, name: str, now: Mapping[str, ColumnStatistics], before: Mapping[str, ColumnStatistics]
) -> ColumnDrift | None:
    """Measures the distance of a column from older data; None if they cannot be compared.

    Args:
        run: With the thresholds that apply.
        name: Of the column.
        now: The statistics of the data, by split.
        before: Those of the older data.
    """
    pairs = [
        (now[split][name], before[split][name])
        for split in now
        if name in now[split] and name in before.get(split, {})
    ]
    if not pairs:
        return None
    limits = run.dataset.validation.drift.get(name)
    try:
        if all(old.HasField("num_stats") for _, old in pairs):
            distance = max(jensen_shannon(new, old) for new, old in pairs)
            return ColumnDrift(distance, _DIVERGENCE, limits.jensen_shannon if limits else None)
        distance = max(infinity_norm(new, old)[0] for new, old in pairs)
        return ColumnDrift(distance, _SHARE, limits.infinity_norm if limits else None)
    except NotComparableError:
        return None


def column_numbers(column: FeatureNameStatistics, write: Formatter | None) -> ColumnNumbers:
    """Extracts the numbers of a column from its statistics.

    Args:
        column: Its statistics.
        write: Formatter of its values; None to show no value.
    """
    rows, without = _rows_and_missing(column)
    missing = without / rows if rows else 1.0
    if column.HasField("num_stats"):
        if write is None:
            return ColumnNumbers(missing, "–", {})
        stats = column.num_stats
        facts = {
            "mean": write(stats.mean),
            "standard deviation": formatting.number(stats.std_dev),
            "least": write(stats.min),
            "median": write(stats.median),
            "greatest": write(stats.max),
            "zeros": formatting.percentage(stats.num_zeros / rows if rows else None),
        }
        return ColumnNumbers(missing, write(stats.median) if missing < 1 else "–", facts)
    text = column.string_stats
    buckets = text.rank_histogram.buckets
    total = max(sum(b.sample_count for b in buckets), 1.0)
    shown = [b for b in buckets if write is not None and b.sample_count >= _FEWEST_ROWS]
    top = [(b.label, b.sample_count / total) for b in shown[:_MOST_VALUES]]
    facts = {
        "different values": f"{text.unique:,}",
        "average length": formatting.number(text.avg_length),
    }
    for place, (value, share) in enumerate(top, 1):
        facts[f"most frequent, {place}"] = f"{value or '(empty)'}: {formatting.percentage(share)}"
    return ColumnNumbers(missing, top[0][0] if top else "–", facts)


def draw_histogram(
    columns: Mapping[str, FeatureNameStatistics], write: Formatter | None
) -> ColumnHistogram:
    """Draws a column's distribution in a few bars, from statistics alone.

    Args:
        columns: Its statistics in each data set; the first is drawn as bars.
        write: Formatter of its values; None to show no value.
    """
    if all(column.HasField("num_stats") for column in columns.values()):
        edges = _edges(list(columns.values()))
        masses = {name: _masses(column, edges) for name, column in columns.items()}
        ends = (write(edges[0]), write(edges[-1])) if write and len(edges) else ("", "")
    else:
        counts = _frequent_values(list(columns.values()))
        values = list(counts)
        masses = {name: _shares(column, values) for name, column in columns.items()}
        named = [v if write and counts[v] >= _FEWEST_ROWS else "" for v in values] or [""]
        ends = named[0], "others" if len(values) == _HISTOGRAM_VALUES else named[-1]
    top = max((mass.max(initial=0.0) for mass in masses.values()), default=0.0) or 1.0
    first, *others = masses
    return ColumnHistogram(
        *ends,
        bars=_bars(masses[first] / top),
        outlines={name: _outline(masses[name] / top) for name in others},
    )


def _rows_and_missing(column: FeatureNameStatistics) -> tuple[float, float]:
    """Number of rows, and of rows without a value."""
    field = column.WhichOneof("stats")
    common = getattr(column, field).common_stats if field else None
    if common is None:
        return 0, 0
    return common.num_missing + common.num_non_missing, common.num_missing


def _gate_outcome(run: Run) -> str:
    if run.artifact("DataGate", "findings") is not None:  # a cluster keeps no states
        return "passed"
    state = next((step.state for step in run.summary.steps if step.name == "DataGate"), None)
    if state is None and run.summary.status != Status.RUNNING:
        return "absent"
    if state == State.FAILED:
        return "stopped" if run.summary.status == Status.STOPPED else "failed"
    return "not reached"


def _gate_report(
    run: Run, now: Mapping[str, ColumnStatistics], before: Mapping[str, ColumnStatistics]
) -> dict[str, Any]:
    """Reads the data gate's report, or makes it again: the outputs of a failed step are lost."""
    if (written := run.artifact("DataGate", "findings")) is not None:
        with open(written.uri, encoding="utf-8") as file:
            return json.load(file)
    report = GateReport(stop_at=run.dataset.validation.stop_at)
    validated = run.artifact("ExampleValidator", "anomalies")
    schema_artifact = run.artifact("ImportSchemaGen", "schema")
    if validated is not None and schema_artifact is not None:
        artifact = standard_artifacts.ExampleAnomalies()
        artifact.uri = validated.uri
        artifact.split_names = validated.properties["split_names"]
        schema_file = f"{schema_artifact.uri}/schema.pbtxt"
        schema = io_utils.parse_pbtxt_file(schema_file, schema_pb2.Schema())
        report.findings += label_findings(now, before, None, schema, run.dataset)
        report.findings += read_anomalies(artifact, schema, run.dataset, now, report.findings)
    if before:
        drift.measure("drift", now, before, run.dataset.validation.drift, report)
    elif absent := run.artifacts.get("Baseline", {}).get("statistics"):
        report.no_baseline = str(absent.properties.get(REASON, ""))
    return report.to_json()


def _edges(columns: Sequence[FeatureNameStatistics]) -> NDArray[np.float64]:
    """Edges of equally wide bins; outliers are counted into the outermost ones."""
    deciles = [d for column in columns if len(d := quantile_histogram(column))]
    if not deciles:
        return np.empty(0)
    inner = [(d[0, 1], d[-1, 0]) for d in deciles]
    low, high = min(a for a, _ in inner), max(b for _, b in inner)
    reach = _REACH * (high - low)
    least, most = min(d[0, 0] for d in deciles), max(d[-1, 1] for d in deciles)
    low, high = max(least, low - reach), min(most, high + reach)
    return np.linspace(low, high if high > low else low + 1.0, HISTOGRAM_BINS + 1)


def _masses(column: FeatureNameStatistics, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high, rows = quantile_histogram(column).T
    if not len(low) or not len(edges):
        return np.zeros(HISTOGRAM_BINS)
    inner = edges[1:-1, np.newaxis]
    width = np.where(high > low, high - low, 1.0)
    below = np.where(high <= inner, 1.0, np.clip((inner - low) / width, 0.0, 1.0)) @ rows
    return np.diff(below, prepend=0.0, append=rows.sum()) / max(rows.sum(), 1.0)


def _frequent_values(columns: Sequence[FeatureNameStatistics]) -> dict[str, float]:
    """Rows of the most frequent values of all data sets."""
    counts: dict[str, float] = {}
    for column in columns:
        for bucket in column.string_stats.rank_histogram.buckets:
            counts[bucket.label] = counts.get(bucket.label, 0.0) + bucket.sample_count
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return {value: counts[value] for value in ordered[:_HISTOGRAM_VALUES]}


def _shares(column: FeatureNameStatistics, values: Sequence[str]) -> NDArray[np.float64]:
    """Share of each value, and of all further values together."""
    counts = {b.label: b.sample_count for b in column.string_stats.rank_histogram.buckets}
    chosen = [counts.get(value, 0.0) for value in values]
    if len(values) == _HISTOGRAM_VALUES:
        chosen.append(sum(counts.values()) - sum(chosen))
    return np.array(chosen) / max(sum(counts.values()), 1.0)


def _bars(heights: NDArray[np.float64]) -> list[tuple[float, float, float, float]]:
    step = _WIDTH / max(len(heights), 1)
    return [
        (
            round(i * step + 0.5, 1),
            round(_HEIGHT * (1 - h), 1),
            round(step - 1, 1),
            round(_HEIGHT * h, 1),
        )
        for i, h in enumerate(heights.tolist())
    ]


def _outline(heights: NDArray[np.float64]) -> str:
    step = _WIDTH / max(len(heights), 1)
    points = []
    for i, height in enumerate(heights.tolist()):
        y = round(_HEIGHT * (1 - height), 1)
        points += [f"{i * step:.1f},{y}", f"{(i + 1) * step:.1f},{y}"]
    return " ".join(points)

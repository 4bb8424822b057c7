"""What the data looks like, beside the served model's data, and what is odd about it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from tfxkit.components.data_gate import anomalies, drift
from tfxkit.components.data_gate.distances import NotComparableError, infinity_norm, jensen_shannon
from tfxkit.components.data_gate.findings import Report
from tfxkit.config.dataset import Role
from tfxkit.report import histogram, words
from tfxkit.report.column_numbers import ColumnNumbers, numbers
from tfxkit.report.histogram import Histogram
from tfxkit.report.run import Run
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.summary import State, Status
from tfxkit.storage import placeholders
from tfxkit.storage.statistics import Columns, columns_of, split_file, split_names

SERVED = "served"
_DIVERGENCE, _SHARE = "Jensen-Shannon divergence", "largest change of a share"
_FIRST = ("train", "eval")


@dataclasses.dataclass(frozen=True)
class Drift:
    """How far a column has moved from the served model's data.

    Attributes:
        distance: The largest of all splits.
        kind: Jensen-Shannon divergence, or largest change of a share.
        bound: How far it may be; None without a threshold.
    """

    distance: float
    kind: str
    bound: float | None

    @property
    def exceeded(self) -> bool:
        """Whether the column moved further than it may."""
        return self.bound is not None and self.distance > self.bound


@dataclasses.dataclass(frozen=True)
class ColumnRow:
    """A column of the raw data, in each split and in the served model's data."""

    name: str
    role: str
    why: str
    histogram: Histogram
    numbers: Mapping[str, ColumnNumbers]
    drift: Drift | None
    findings: list[Mapping[str, Any]]

    @property
    def worst(self) -> str | None:
        """The severity of the worst finding; None without any."""
        return min((one["severity"] for one in self.findings), default=None)


@dataclasses.dataclass(frozen=True)
class Data:
    """The section.

    Attributes:
        sets: The names of the data sets: the splits, and `served`.
        rows: How many rows each has.
        columns: In the order of the description of the data.
        findings: All that the gate would tell, worst first.
        not_measured: The comparisons that could not be made.
        no_baseline: Why there is nothing to compare with.
        gate: What the data gate did: `passed`, `stopped`, `failed`, `not reached`; or `absent`,
            where the pipeline has none.
        held_to_schema: Whether the run compared the data with the schema.
    """

    sets: list[str]
    rows: Mapping[str, int]
    columns: list[ColumnRow]
    findings: list[Mapping[str, Any]]
    not_measured: list[str]
    no_baseline: str | None
    gate: str
    held_to_schema: bool


def make(run: Run) -> Data | None:
    """Collects the section; None if no statistics were made."""
    statistics = run.artifact("StatisticsGen", "statistics")
    if statistics is None:
        return None
    now = by_split(statistics)
    baseline = run.artifact("Baseline", "statistics")
    before = by_split(baseline) if baseline else {}
    report = _findings(run, now, before)
    sets = sorted(now, key=lambda split: (*(split != first for first in _FIRST), split))
    served = before.get("train", {})
    described = run.dataset.columns
    names = [*described, *sorted({name for s in now.values() for name in s} - described.keys())]
    columns = []
    for name in names:
        there = {split: now[split][name] for split in sets if name in now[split]}
        there |= {SERVED: served[name]} if name in served else {}
        if not there:
            continue
        how = described.get(name)
        is_time = how is not None and how.role is Role.TIMESTAMP
        write = words.date_writer(how.unit) if how and is_time else words.number
        columns.append(
            ColumnRow(
                name=name,
                role=role_of(run, name),
                why=how.why if how else "",
                histogram=histogram.draw(there, write),
                numbers={each: numbers(column, write) for each, column in there.items()},
                drift=drift_of(run, name, now, before),
                findings=[one for one in report["findings"] if one["column"] == name],
            )
        )
    return Data(
        sets=[*sets, *([SERVED] if served else [])],
        rows={s: rows_of(now[s]) for s in sets} | ({SERVED: rows_of(served)} if served else {}),
        columns=columns,
        findings=sorted(report["findings"], key=lambda one: (one["severity"], one["column"])),
        not_measured=report["not_measured"],
        no_baseline=report["no_baseline"],
        gate=_gate(run),
        held_to_schema=run.artifact("ExampleValidator", "anomalies") is not None,
    )


def _gate(run: Run) -> str:
    if run.artifact("DataGate", "findings") is not None:  # on a cluster no states are known
        return "passed"
    state = next((step.state for step in run.summary.steps if step.name == "DataGate"), None)
    if state is None and run.summary.status != Status.RUNNING:
        return "absent"
    if state == State.FAILED:
        return "stopped" if run.summary.status == Status.STOPPED else "failed"
    return "not reached"


def by_split(artifact: Artifact) -> dict[str, Columns]:
    """The statistics of each split."""
    uri = artifact.uri
    return {split: columns_of(split_file(uri, split)) for split in split_names(uri)}


def _findings(
    run: Run, now: Mapping[str, Columns], before: Mapping[str, Columns]
) -> dict[str, Any]:
    """What the gate wrote; if it stopped the run its outputs are lost, so the same once more."""
    if (written := run.artifact("DataGate", "findings")) is not None:
        with open(written.uri, encoding="utf-8") as file:
            return json.load(file)
    report = Report(stop_at=run.dataset.validation.stop_at)
    found, schema = (
        run.artifact("ExampleValidator", "anomalies"),
        run.artifact("ImportSchemaGen", "schema"),
    )
    if found is not None and schema is not None:
        artifact = standard_artifacts.ExampleAnomalies()
        artifact.uri = found.uri
        artifact.split_names = found.properties["split_names"]
        text = io_utils.parse_pbtxt_file(f"{schema.uri}/schema.pbtxt", schema_pb2.Schema())
        report.findings += anomalies.read(artifact, text)
    if before:
        drift.measure("drift", now, before, run.dataset.validation.drift, report)
    elif absent := run.artifacts.get("Baseline", {}).get("statistics"):
        report.no_baseline = str(absent.properties.get(placeholders.REASON, ""))
    return report.to_json()


def drift_of(
    run: Run, name: str, now: Mapping[str, Columns], before: Mapping[str, Columns]
) -> Drift | None:
    """How far a column has moved from older data; None if the two cannot be compared.

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
    bounds = run.dataset.validation.drift.get(name)
    try:
        if all(old.HasField("num_stats") for _, old in pairs):
            distance = max(jensen_shannon(new, old) for new, old in pairs)
            return Drift(distance, _DIVERGENCE, bounds.jensen_shannon if bounds else None)
        distance = max(infinity_norm(new, old)[0] for new, old in pairs)
        return Drift(distance, _SHARE, bounds.infinity_norm if bounds else None)
    except NotComparableError:
        return None


def role_of(run: Run, name: str) -> str:
    """What a column is for, in a word or two."""
    if name in run.dataset.label_sources():
        return "label"
    how = run.dataset.columns.get(name)
    return str(how.role) if how else "not described"


def rows_of(columns: Columns) -> int:
    """How many rows the statistics are of."""
    return max((_row_count(column) for column in columns.values()), default=0)


def _row_count(column: FeatureNameStatistics) -> int:
    kind = column.WhichOneof("stats")
    common = getattr(column, kind).common_stats if kind else None
    return int(common.num_missing + common.num_non_missing) if common else 0

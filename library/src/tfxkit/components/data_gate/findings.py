"""Findings of the gate: as JSON for a report, and as one screen of text for a stopped run.

Findings of ExampleValidator are read here, too, and get the limits that its texts leave out. It
compares shares as if each had been measured on all rows there are. Here a share that lies on the
wrong side of its limit only by as much as chance allows, at the rows of the split, is no finding.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics
from tfx import types
from tfx.components.example_validator import executor as example_validator
from tfx.types import artifact_utils

from tfxkit.config.dataset import Dataset
from tfxkit.errors import DataError
from tfxkit.evaluation import Leak
from tfxkit.storage.artifacts import ColumnStatistics
from tfxkit.storage.filesystems import fileio
from tfxkit.values.reading import text_domain

Kind = Literal["anomaly", "label", "leak", "drift", "skew", "rounding", "rows"]
Severity = Literal["warning", "error"]
Distance = Literal["infinity_norm", "jensen_shannon"]

ALL_COLUMNS = "(all columns)"
_SEVERITIES: dict[int, Severity] = {AnomalyInfo.WARNING: "warning", AnomalyInfo.ERROR: "error"}
_OUTSIDE_OF_DOMAIN = (
    AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
    AnomalyInfo.INT_TYPE_BIG_INT,
    AnomalyInfo.INT_TYPE_SMALL_INT,
    AnomalyInfo.FLOAT_TYPE_BIG_FLOAT,
    AnomalyInfo.FLOAT_TYPE_SMALL_FLOAT,
)
# Probability at the limit itself of a share that is a finding: 3 standard deviations, one-sided.
CHANCE = 0.001
MAX_LINES = 20
_STOPS_AT: dict[str, tuple[Severity, ...]] = {
    "warning": ("warning", "error"),
    "error": ("error",),
    "never": (),
}
_WHAT_TO_DO = {
    "anomaly": (
        "If the data is wrong, correct it. If it is right and has changed for good:\n"
        "  python -m pipeline schema diff     shows what would change in configs/schema.pbtxt\n"
        "  python -m pipeline schema accept   writes it there; then review it as you do code"
    ),
    "label": (
        "The model neither learns nor predicts unknown values of the label. If they are wrong,\n"
        "correct the data. If one is right, name it under label in configs/dataset.yaml (classes,\n"
        "or positive and negative), and in its domain: python -m pipeline schema accept"
    ),
    "drift": (
        "Drift is the distance to the data that the served model was trained on. If the new data\n"
        "is right, raise the column's threshold under validation.drift in configs/dataset.yaml."
    ),
    "skew": (
        "Skew is the distance to the served requests. If the data is right, raise the column's\n"
        "threshold under validation.skew in configs/dataset.yaml."
    ),
    "leak": (
        "Is the column known at prediction time? If not, give it the role ignored in\n"
        "configs/dataset.yaml. If so, add `known: true` to it there; the report then says so."
    ),
    "rounding": (
        "Give the column the type INT in configs/schema.pbtxt. If only the size of its numbers\n"
        "matters, rounding does no harm: warnings pass with validation.stop_at: error."
    ),
    "rows": (
        "If the rows are right, raise the threshold validation.max_repeated in\n"
        "configs/dataset.yaml; null switches it off. Older spans are for stop_at: error."
    ),
}


@dataclasses.dataclass(frozen=True, order=True)
class GateFinding:
    """Problem of one column in one split."""

    column: str
    what: str
    split: str
    kind: Kind
    severity: Severity


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Distance of a column from its reference, within its threshold or not."""

    kind: Kind
    column: str
    split: str
    distance: Distance
    measured: float
    threshold: float
    value: str | None = None  # infinity_norm: the value with the largest change


@dataclasses.dataclass
class GateReport:
    """Findings and measurements of the gate."""

    stop_at: str
    findings: list[GateFinding] = dataclasses.field(default_factory=list)
    measurements: list[Measurement] = dataclasses.field(default_factory=list)
    leaks: list[Leak] = dataclasses.field(default_factory=list)
    not_measured: list[str] = dataclasses.field(default_factory=list)
    no_baseline: str | None = None  # reason why no drift was measured at all

    def stopping(self) -> list[GateFinding]:
        """Findings that stop the run, sorted by column."""
        return sorted(f for f in self.findings if f.severity in _STOPS_AT[self.stop_at])

    def to_json(self) -> dict[str, Any]:
        """Report as JSON-ready values, sorted, for `findings` and the page of the run."""
        report = dataclasses.asdict(self)
        report["findings"] = [dataclasses.asdict(finding) for finding in sorted(self.findings)]
        return {"stopped": bool(self.stopping()), **report}

    def message(self) -> str:
        """One screen of text: the findings that stop the run, by column, and advice."""
        stopping = self.stopping()
        splits: dict[tuple[str, str], list[str]] = {}
        for finding in stopping:
            splits.setdefault((finding.column, finding.what), []).append(finding.split)
        lines = [
            f"  {column} ({', '.join(names)}): {what}" for (column, what), names in splits.items()
        ]
        if len(lines) > MAX_LINES:
            lines[MAX_LINES:] = [f"  ... and {len(lines) - MAX_LINES} more"]
        advice = [
            text for kind, text in _WHAT_TO_DO.items() if any(f.kind == kind for f in stopping)
        ]
        title = "The data gate stopped the run: the data is not what it should be."
        return "\n".join([title, *lines, "", *advice])


class GateError(DataError):
    """Data that does not pass; no step behind the gate may run.

    Attributes:
        report: `GateReport.to_json()`, since outputs of a failed step are lost.
    """

    def __init__(self, report: GateReport) -> None:
        """Takes the message from the report."""
        super().__init__(report.message())
        self.report = report.to_json()


def read_anomalies(
    artifact: types.Artifact,
    schema: schema_pb2.Schema,
    dataset: Dataset,
    statistics: Mapping[str, ColumnStatistics],
    counted: Collection[GateFinding] = (),
) -> list[GateFinding]:
    """Reads the anomalies of all splits.

    Args:
        artifact: `ExampleAnomalies` of ExampleValidator.
        schema: Schema of the validation.
        dataset: Roles of the columns: a value of an identifier is in no text.
        statistics: Statistics that were validated, by split and column.
        counted: Findings about values outside of their domain, which replace ExampleValidator's
            for the same column and split.

    Returns:
        A finding for each reason that ExampleValidator gives, unless chance explains it.
    """
    hidden = {each.name for each in schema.feature if not dataset.shows_values(each.name)}
    findings: list[GateFinding] = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        folder = artifact_utils.get_split_uri([artifact], split)
        with fileio.open(os.path.join(folder, example_validator.DEFAULT_FILE_NAME), "rb") as file:
            anomalies = Anomalies.FromString(file.read())
        columns = {finding.column for finding in counted if finding.split == split}
        findings += anomaly_findings(
            anomalies, split, schema, statistics[split], counted=columns, hidden=hidden
        )
    return findings


def anomaly_findings(
    anomalies: Anomalies,
    split: str,
    schema: schema_pb2.Schema,
    statistics: ColumnStatistics,
    *,
    counted: Collection[str] = (),
    hidden: Collection[str] = (),
) -> Iterator[GateFinding]:
    """Yields a finding for each reason in the anomalies of a split, unless chance explains it.

    Args:
        anomalies: Anomalies of TFDV.
        split: Name of the split.
        schema: Schema of the validation.
        statistics: Statistics of the split, by column.
        counted: Columns whose values outside of their domain are left out.
        hidden: Columns whose values must not be shown.
    """
    if anomalies.data_missing:
        yield GateFinding(ALL_COLUMNS, "There are no rows.", split, "anomaly", "error")
    if anomalies.HasField("dataset_anomaly_info"):
        info = anomalies.dataset_anomaly_info
        for reason in info.reason:
            yield GateFinding(ALL_COLUMNS, reason.description, split, "anomaly", _severity(info))
    features = {feature.name: feature for feature in schema.feature}
    for info in anomalies.anomaly_info.values():
        column = ".".join(info.path.step)
        feature, measured = features.get(column, schema_pb2.Feature()), statistics.get(column)
        texts: dict[str, None] = {}  # in order, each once
        for reason in info.reason:
            if column in counted and reason.type in _OUTSIDE_OF_DOMAIN:
                continue
            if measured is not None and _is_chance(reason.type, schema, feature, measured):
                continue
            texts[_what(reason, feature, measured, is_hidden=column in hidden)] = None
        for what in texts:
            yield GateFinding(column, what, split, "anomaly", _severity(info))


def _what(
    reason: AnomalyInfo.Reason,
    feature: schema_pb2.Feature,
    column: FeatureNameStatistics | None,
    *,
    is_hidden: bool,
) -> str:
    if missing := _missing(reason.type, feature, column):
        return missing
    what = reason.short_description
    if not is_hidden or reason.type not in _OUTSIDE_OF_DOMAIN:
        what = f"{what}: {_tidy(reason.description)}"
    limit = _limit(reason.type, feature)
    return f"{what}; {limit}" if limit else what


def _severity(info: AnomalyInfo) -> Severity:
    return _SEVERITIES.get(info.severity, "error")


def _is_chance(
    reason: int,
    schema: schema_pb2.Schema,
    feature: schema_pb2.Feature,
    column: FeatureNameStatistics,
) -> bool:
    """True if a share lies below its least value by no more than chance allows at its rows."""
    from scipy import special  # takes time that the report does not have

    if reason == AnomalyInfo.FEATURE_TYPE_LOW_FRACTION_PRESENT:
        hits, rows = _present_and_rows(column)
        least = feature.presence.min_fraction
    elif reason == AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES:
        domain = set(text_domain(schema, feature.name))
        counts = {b.label: b.sample_count for b in column.string_stats.rank_histogram.buckets}
        hits = sum(count for value, count in counts.items() if value in domain)
        (rows, _), least = _present_and_rows(column), _least_mass(feature)
    else:
        return False
    return least < 1.0 and float(special.bdtr(hits, rows, least)) > CHANCE


def _present_and_rows(column: FeatureNameStatistics) -> tuple[int, int]:
    kind = column.WhichOneof("stats")
    if kind is None:
        return 0, 0
    common = getattr(column, kind).common_stats
    return common.num_non_missing, common.num_non_missing + common.num_missing


def _missing(
    reason: int, feature: schema_pb2.Feature, column: FeatureNameStatistics | None
) -> str | None:
    """Text for a column with too few values; None for other findings."""
    present, rows = (0, 0) if column is None else _present_and_rows(column)
    if reason == AnomalyInfo.FEATURE_TYPE_LOW_FRACTION_PRESENT:
        wanted = f"{feature.presence.min_fraction:.1%} is wanted (presence.min_fraction)"
    elif reason == AnomalyInfo.FEATURE_TYPE_LOW_NUMBER_PRESENT:
        wanted = f"{feature.presence.min_count:,} rows are wanted (presence.min_count)"
    elif reason in (AnomalyInfo.SCHEMA_MISSING_COLUMN, AnomalyInfo.FEATURE_TYPE_NOT_PRESENT):
        wanted = ""
    else:
        return None
    if not (wanted and present):
        return "Missing column: no row has a value"
    return (
        f"Missing values: {present:,} of {rows:,} rows have a value ({present / rows:.1%}), "
        f"at least {wanted}"
    )


def _least_mass(feature: schema_pb2.Feature) -> float:
    return feature.distribution_constraints.min_domain_mass  # its default is 1


def _tidy(description: str) -> str:
    return description.replace("(upto six significant digits)", "").strip().rstrip(".")


def _limit(reason: int, feature: schema_pb2.Feature) -> str:
    if reason == AnomalyInfo.INT_TYPE_BIG_INT:
        return f"at most {feature.int_domain.max} is allowed"
    if reason == AnomalyInfo.INT_TYPE_SMALL_INT:
        return f"at least {feature.int_domain.min} is allowed"
    if reason == AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES:
        return f"in {1.0 - _least_mass(feature):.2%} of the rows they are allowed"
    return ""

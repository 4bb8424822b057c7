"""What the gate found: as JSON for a report, and as one screen for the person whose run stopped."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from tfxkit.errors import DataError

Kind = Literal["anomaly", "drift", "skew", "rows"]
Severity = Literal["warning", "error"]
Distance = Literal["infinity_norm", "jensen_shannon"]

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
    "drift": (
        "Drift is the distance to the data that the served model was trained on. If the new data\n"
        "is right, raise the column's threshold under validation.drift in configs/dataset.yaml."
    ),
    "skew": (
        "Skew is the distance to the served requests. If the data is right, raise the column's\n"
        "threshold under validation.skew in configs/dataset.yaml."
    ),
    "rows": (
        "If the rows are right, raise the threshold under validation in configs/dataset.yaml:\n"
        "max_repeated, max_association; null switches it off. Older spans are for stop_at: error."
    ),
}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong with one column of one split."""

    column: str
    what: str
    split: str
    kind: Kind
    severity: Severity


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A distance between a column now and before, within its threshold or not."""

    kind: Kind
    column: str
    split: str
    distance: Distance
    measured: float
    threshold: float
    value: str | None = None  # infinity_norm: the value whose share moved most


@dataclasses.dataclass
class Report:
    """All that the gate found and measured."""

    stop_at: str
    findings: list[Finding] = dataclasses.field(default_factory=list)
    measurements: list[Measurement] = dataclasses.field(default_factory=list)
    not_measured: list[str] = dataclasses.field(default_factory=list)
    no_baseline: str | None = None  # why no drift was measured at all

    def stopping(self) -> list[Finding]:
        """The findings that stop the run, sorted by column."""
        return sorted(f for f in self.findings if f.severity in _STOPS_AT[self.stop_at])

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-ready values, sorted, for `findings` and the page of the run."""
        report = dataclasses.asdict(self)
        report["findings"] = [dataclasses.asdict(finding) for finding in sorted(self.findings)]
        return {"stopped": bool(self.stopping()), **report}

    def message(self) -> str:
        """One screen: what stops the run, column by column, and what to do about it."""
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
    """The data does not pass; nothing that comes after the gate may run.

    Attributes:
        report: `Report.to_json()`: outputs of a failed step are lost, and this is not.
    """

    def __init__(self, report: Report) -> None:
        """Takes the message from the report."""
        super().__init__(report.message())
        self.report = report.to_json()

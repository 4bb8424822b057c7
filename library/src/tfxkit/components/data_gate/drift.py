"""Compares columns with the same columns before, where dataset.yaml limits how far they move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.components.data_gate.distances import NotComparableError, infinity_norm, jensen_shannon
from tfxkit.components.data_gate.findings import Distance, Finding, Kind, Measurement, Report
from tfxkit.config.bounds import Comparator
from tfxkit.storage.statistics import Columns

_THAN = {"drift": "in the data of the served model", "skew": "in the served requests"}


def measure(
    kind: Kind,
    now: Mapping[str, Columns],
    before: Mapping[str, Columns],
    comparators: Mapping[str, Comparator],
    report: Report,
) -> None:
    """Measures each column that has a threshold, in each split, and adds the results to the report.

    Args:
        kind: `drift` or `skew`.
        now: The statistics of today's data, by split and column.
        before: Those to compare with; a split is compared with the one of the same name.
        comparators: The thresholds, by column.
        report: Gets the measurements, findings where a threshold is exceeded, and a sentence for
            each comparison that could not be made.
    """
    for split, columns in now.items():
        if split not in before:
            report.not_measured.append(f"{kind}: the split {split} is not {_THAN[kind]}")
            continue
        for name, comparator in comparators.items():
            if name not in columns or name not in before[split]:
                where = _THAN[kind] if name in columns else "in the data"
                report.not_measured.append(f"{kind}: {name} ({split}) is not {where}")
                continue
            try:
                distances = list(_distances(columns[name], before[split][name], comparator))
            except NotComparableError as error:
                what = f"{kind.capitalize()}: cannot be measured, {error}"
                report.findings.append(Finding(name, what, split, kind, "error"))
                continue
            measurements = [Measurement(kind, name, split, *distance) for distance in distances]
            report.measurements += measurements
            report.findings += [_finding(m) for m in measurements if m.measured > m.threshold]


def _distances(
    now: FeatureNameStatistics, before: FeatureNameStatistics, comparator: Comparator
) -> Iterator[tuple[Distance, float, float, str | None]]:
    """Each distance asked for, with its name, what is allowed, and the value that moved most."""
    if (threshold := comparator.infinity_norm) is not None:
        measured, value = infinity_norm(now, before)
        yield "infinity_norm", measured, threshold, value
    if (threshold := comparator.jensen_shannon) is not None:
        yield "jensen_shannon", jensen_shannon(now, before), threshold, None


def _finding(m: Measurement) -> Finding:
    if m.distance == "infinity_norm":
        moved = f"the share of {m.value!r} differs by {m.measured:.3f} from that {_THAN[m.kind]}"
    else:
        moved = f"Jensen-Shannon divergence {m.measured:.3f} from the values {_THAN[m.kind]}"
    what = f"{m.kind.capitalize()}: {moved}; {m.threshold:g} is allowed"
    return Finding(m.column, what, m.split, m.kind, "error")

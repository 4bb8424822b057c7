"""Drift and skew: distances of columns from their reference, computed from statistics alone.

TFDV's own Jensen-Shannon divergence compares histograms of ten equally wide bins between minimum
and maximum, so a single outlier dominates it. Here the bins are the quantiles of the reference. A
missing value counts as a value of its own: a column that begins to have gaps has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.components.data_gate.findings import (
    Distance,
    GateFinding,
    GateReport,
    Kind,
    Measurement,
)
from tfxkit.config.dataset import Comparator
from tfxkit.storage.artifacts import ColumnStatistics, quantile_histogram

MISSING = "(missing)"
_REFERENCE = {"drift": "in the data of the served model", "skew": "in the served requests"}


def measure(
    kind: Kind,
    now: Mapping[str, ColumnStatistics],
    before: Mapping[str, ColumnStatistics],
    comparators: Mapping[str, Comparator],
    report: GateReport,
) -> None:
    """Measures each column with a threshold, in each split, and adds the results to the report.

    Args:
        kind: `drift` or `skew`.
        now: Statistics of today's data, by split and column.
        before: Statistics of the reference; splits of the same name are compared.
        comparators: Thresholds, by column.
        report: Receives the measurements, a finding for each exceeded threshold, and a sentence
            for each comparison that was impossible.
    """
    for split, columns in now.items():
        if split not in before:
            report.not_measured.append(f"{kind}: the split {split} is not {_REFERENCE[kind]}")
            continue
        for name, comparator in comparators.items():
            if name not in columns or name not in before[split]:
                where = _REFERENCE[kind] if name in columns else "in the data"
                report.not_measured.append(f"{kind}: {name} ({split}) is not {where}")
                continue
            try:
                distances = list(_distances(columns[name], before[split][name], comparator))
            except NotComparableError as error:
                what = f"{kind.capitalize()}: cannot be measured, {error}"
                report.findings.append(GateFinding(name, what, split, kind, "error"))
                continue
            measurements = [Measurement(kind, name, split, *distance) for distance in distances]
            report.measurements += measurements
            report.findings += [_finding(m) for m in measurements if m.measured > m.threshold]


def _distances(
    now: FeatureNameStatistics, before: FeatureNameStatistics, comparator: Comparator
) -> Iterator[tuple[Distance, float, float, str | None]]:
    """Yields each configured distance: name, distance, threshold, value with the largest change."""
    if (threshold := comparator.infinity_norm) is not None:
        measured, value = infinity_norm(now, before)
        yield "infinity_norm", measured, threshold, value
    if (threshold := comparator.jensen_shannon) is not None:
        yield "jensen_shannon", jensen_shannon(now, before), threshold, None


def _finding(m: Measurement) -> GateFinding:
    if m.distance == "infinity_norm":
        change = f"the share of {m.value!r} differs by {m.measured:.3f} from that"
    else:
        change = f"Jensen-Shannon divergence {m.measured:.3f} from the values"
    what = f"{m.kind.capitalize()}: {change} {_REFERENCE[m.kind]}; {m.threshold:g} is allowed"
    return GateFinding(m.column, what, m.split, m.kind, "error")


class NotComparableError(ValueError):
    """Distance that is not defined for columns of this type."""


def infinity_norm(new: FeatureNameStatistics, old: FeatureNameStatistics) -> tuple[float, str]:
    """Largest change of a value's share of the rows.

    Args:
        new: Statistics of a column of text.
        old: Statistics of this column in the reference.

    Returns:
        The change, from 0 to 1, and its value.

    Raises:
        NotComparableError: If one of the two is not text.
    """
    new_shares, old_shares = _shares(new), _shares(old)
    changes = {
        value: abs(new_shares.get(value, 0.0) - old_shares.get(value, 0.0))
        for value in sorted(new_shares.keys() | old_shares.keys())
    }
    value = max(changes, key=changes.__getitem__)
    return changes[value], value


def jensen_shannon(new: FeatureNameStatistics, old: FeatureNameStatistics) -> float:
    """Jensen-Shannon divergence over bins that are the quantiles of the reference.

    Args:
        new: Statistics of a column of numbers.
        old: Statistics of this column in the reference.

    Returns:
        The divergence with logarithms to base 2, from 0 (equal) to 1 (disjoint). Values above
        those of the reference share the last of the (usually ten) bins with the highest of
        these, so that a column which grew a thousandfold is at about 0.75.

    Raises:
        NotComparableError: If one of the two is not a number.
    """
    edges = np.unique(_quantiles(old)[:-1, 1])  # the last ends at the maximum: leave it open
    p, q = _masses(new, edges), _masses(old, edges)
    return (_divergence(p, (p + q) / 2) + _divergence(q, (p + q) / 2)) / 2


def _shares(feature: FeatureNameStatistics) -> dict[str, float]:
    missing = _missing_share(feature)
    if missing < 1.0 and not feature.HasField("string_stats"):
        raise NotComparableError("infinity_norm is for columns of text")
    buckets = feature.string_stats.rank_histogram.buckets
    present = max(sum(bucket.sample_count for bucket in buckets), 1.0)
    shares = {b.label: b.sample_count / present * (1.0 - missing) for b in buckets}
    return {**shares, MISSING: missing}


def _masses(feature: FeatureNameStatistics, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of rows up to each edge, beyond the last of them, and without a value."""
    low, high, count = _quantiles(feature).T
    width = np.where(high > low, high - low, 1.0)
    within = np.clip((edges[:, np.newaxis] - low) / width, 0.0, 1.0)
    below = np.where(high <= edges[:, np.newaxis], 1.0, within) @ count
    masses = np.maximum(np.diff(below, prepend=0.0, append=count.sum()), 0.0)  # rounding
    missing = _missing_share(feature)
    return np.append(masses / max(masses.sum(), 1.0) * (1.0 - missing), missing)


def _quantiles(feature: FeatureNameStatistics) -> NDArray[np.float64]:
    """Quantile histogram as rows of low, high, count; no rows if there are no values."""
    if _missing_share(feature) < 1.0 and not feature.HasField("num_stats"):
        raise NotComparableError("jensen_shannon is for columns of numbers")
    return quantile_histogram(feature)


def _missing_share(feature: FeatureNameStatistics) -> float:
    field = feature.WhichOneof("stats")
    common = getattr(feature, field).common_stats if field else None
    if common is None or not common.num_non_missing:
        return 1.0
    return float(common.num_missing / (common.num_missing + common.num_non_missing))


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence in bits; cells with p = 0 add nothing."""
    inside = p > 0
    return float(np.sum(p[inside] * np.log2(p[inside] / q[inside])))

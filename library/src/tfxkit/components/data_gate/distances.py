"""How far two columns are apart, from their statistics alone.

TFDV's own Jensen-Shannon divergence compares histograms of ten equally wide bins between minimum
and maximum, so that one outlier decides about it. Here the bins are the quantiles of the older
data. A missing value counts as a value of its own: a column that begins to have gaps has changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.storage.statistics import quantiles

MISSING = "(missing)"


class NotComparableError(ValueError):
    """The distance does not exist for columns of this type."""


def infinity_norm(new: FeatureNameStatistics, old: FeatureNameStatistics) -> tuple[float, str]:
    """The largest change of any value's share of the rows.

    Args:
        new: Statistics of a column of text.
        old: Those of the same column in the older data.

    Returns:
        The change, from 0 to 1, and the value that it is about.

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
    """The Jensen-Shannon divergence over the bins that are the quantiles of the older data.

    Args:
        new: Statistics of a column of numbers.
        old: Those of the same column in the older data.

    Returns:
        The divergence with logarithms to base 2, from 0 (alike) to 1 (nothing in common). Values
        above all the older ones share the last of the (usually ten) bins with the highest of
        those, so that a column which grew a thousandfold is at about 0.75.

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
    """The shares of rows up to each edge, beyond the last of them, and without a value."""
    low, high, count = _quantiles(feature).T
    width = np.where(high > low, high - low, 1.0)
    within = np.clip((edges[:, np.newaxis] - low) / width, 0.0, 1.0)
    below = np.where(high <= edges[:, np.newaxis], 1.0, within) @ count
    masses = np.maximum(np.diff(below, prepend=0.0, append=count.sum()), 0.0)  # rounding
    missing = _missing_share(feature)
    return np.append(masses / max(masses.sum(), 1.0) * (1.0 - missing), missing)


def _quantiles(feature: FeatureNameStatistics) -> NDArray[np.float64]:
    """The quantile histogram as rows of low, high, count; no rows if there are no values."""
    if _missing_share(feature) < 1.0 and not feature.HasField("num_stats"):
        raise NotComparableError("jensen_shannon is for columns of numbers")
    return quantiles(feature)


def _missing_share(feature: FeatureNameStatistics) -> float:
    kind = feature.WhichOneof("stats")
    common = getattr(feature, kind).common_stats if kind else None
    if common is None or not common.num_non_missing:
        return 1.0
    return float(common.num_missing / (common.num_missing + common.num_non_missing))


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Kullback and Leibler's, in bits; where p is 0 it adds nothing."""
    inside = p > 0
    return float(np.sum(p[inside] * np.log2(p[inside] / q[inside])))

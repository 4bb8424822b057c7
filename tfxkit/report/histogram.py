"""A column's distribution in a few bars, from its statistics alone, alike for several data sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.storage.statistics import quantiles

BINS = 16
VALUES = 8
WIDTH, HEIGHT = 160.0, 44.0
_REACH = 1.5  # how far beyond the middle four fifths the bins go, in their width


@dataclasses.dataclass(frozen=True)
class Histogram:
    """Bars for the first data set, an outline for each of the others.

    Attributes:
        low, high: What stands below the ends; empty without values.
        bars: x, y, width, height.
        outlines: By name of the data set: the points of a line, as SVG has them.
    """

    low: str
    high: str
    bars: list[tuple[float, float, float, float]]
    outlines: dict[str, str]


def draw(columns: Mapping[str, FeatureNameStatistics], write: Callable[[float], str]) -> Histogram:
    """Draws one column.

    Args:
        columns: Its statistics in each data set; the first is drawn as bars.
        write: How a value of it is written.
    """
    if all(column.HasField("num_stats") for column in columns.values()):
        edges = _edges(list(columns.values()))
        masses = {name: _masses(column, edges) for name, column in columns.items()}
        ends = (write(edges[0]), write(edges[-1])) if len(edges) else ("", "")
    else:
        values = _values(list(columns.values()))
        masses = {name: _shares(column, values) for name, column in columns.items()}
        ends = (
            (values[0], "others" if len(values) == VALUES else values[-1]) if values else ("", "")
        )
    top = max((mass.max(initial=0.0) for mass in masses.values()), default=0.0) or 1.0
    first, *others = masses
    return Histogram(
        *ends,
        bars=_bars(masses[first] / top),
        outlines={name: _outline(masses[name] / top) for name in others},
    )


def _edges(columns: Sequence[FeatureNameStatistics]) -> NDArray[np.float64]:
    """Equally wide bins; what lies far out is counted into the outermost ones."""
    deciles = [d for column in columns if len(d := quantiles(column))]
    if not deciles:
        return np.empty(0)
    inner = [(d[0, 1], d[-1, 0]) for d in deciles]
    low, high = min(a for a, _ in inner), max(b for _, b in inner)
    reach = _REACH * (high - low)
    least, most = min(d[0, 0] for d in deciles), max(d[-1, 1] for d in deciles)
    low, high = max(least, low - reach), min(most, high + reach)
    return np.linspace(low, high if high > low else low + 1.0, BINS + 1)


def _masses(column: FeatureNameStatistics, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high, rows = quantiles(column).T
    if not len(low) or not len(edges):
        return np.zeros(BINS)
    inner = edges[1:-1, np.newaxis]
    width = np.where(high > low, high - low, 1.0)
    below = np.where(high <= inner, 1.0, np.clip((inner - low) / width, 0.0, 1.0)) @ rows
    return np.diff(below, prepend=0.0, append=rows.sum()) / max(rows.sum(), 1.0)


def _values(columns: Sequence[FeatureNameStatistics]) -> list[str]:
    """The most frequent values of all data sets."""
    counts: dict[str, float] = {}
    for column in columns:
        for bucket in column.string_stats.rank_histogram.buckets:
            counts[bucket.label] = counts.get(bucket.label, 0.0) + bucket.sample_count
    return sorted(counts, key=lambda value: (-counts[value], value))[:VALUES]


def _shares(column: FeatureNameStatistics, values: Sequence[str]) -> NDArray[np.float64]:
    """Of each of the values, and of all others together where there are more."""
    counts = {b.label: b.sample_count for b in column.string_stats.rank_histogram.buckets}
    chosen = [counts.get(value, 0.0) for value in values]
    if len(values) == VALUES:
        chosen.append(sum(counts.values()) - sum(chosen))
    return np.array(chosen) / max(sum(counts.values()), 1.0)


def _bars(heights: NDArray[np.float64]) -> list[tuple[float, float, float, float]]:
    step = WIDTH / max(len(heights), 1)
    return [
        (
            round(i * step + 0.5, 1),
            round(HEIGHT * (1 - h), 1),
            round(step - 1, 1),
            round(HEIGHT * h, 1),
        )
        for i, h in enumerate(heights.tolist())
    ]


def _outline(heights: NDArray[np.float64]) -> str:
    step = WIDTH / max(len(heights), 1)
    points = []
    for i, height in enumerate(heights.tolist()):
        y = round(HEIGHT * (1 - height), 1)
        points += [f"{i * step:.1f},{y}", f"{(i + 1) * step:.1f},{y}"]
    return " ".join(points)

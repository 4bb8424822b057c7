"""The numbers that describe a column in one data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.report import words

Write = Callable[[float], str]
_MOST_VALUES = 5


@dataclasses.dataclass(frozen=True)
class ColumnNumbers:
    """What the table of a column shows.

    Attributes:
        missing: The share of rows without a value.
        middle: The median, or the most frequent value.
        facts: Name -> text, of numbers or of text.
    """

    missing: float
    middle: str
    facts: dict[str, str]


def numbers(column: FeatureNameStatistics, write: Write) -> ColumnNumbers:
    """Reads what statistics say.

    Args:
        column: Its statistics.
        write: How a value of it is written, such as a date.
    """
    kind = column.WhichOneof("stats")
    common = getattr(column, kind).common_stats if kind else None
    rows = (common.num_missing + common.num_non_missing) if common else 0
    missing = common.num_missing / rows if common and rows else 1.0
    if column.HasField("num_stats"):
        stats = column.num_stats
        facts = {
            "mean": write(stats.mean),
            "standard deviation": words.number(stats.std_dev),
            "least": write(stats.min),
            "median": write(stats.median),
            "greatest": write(stats.max),
            "zeros": words.share(stats.num_zeros / rows if rows else None),
        }
        return ColumnNumbers(missing, write(stats.median) if missing < 1 else "–", facts)
    text = column.string_stats
    total = max(sum(b.sample_count for b in text.rank_histogram.buckets), 1.0)
    top = [(b.label, b.sample_count / total) for b in text.rank_histogram.buckets[:_MOST_VALUES]]
    facts = {
        "different values": f"{text.unique:,}",
        "average length": words.number(text.avg_length),
    }
    for place, (value, share) in enumerate(top, 1):
        facts[f"most frequent, {place}"] = f"{value or '(empty)'}: {words.share(share)}"
    return ColumnNumbers(missing, top[0][0] if top else "–", facts)

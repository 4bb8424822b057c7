"""Values of the label outside of its domain, which no class of the model stands for.

The domain is that of `configs/dataset.yaml` (classes; positive and negative value), else that of
the schema, else the values that the served model was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.components.data_gate.findings import GateFinding
from tfxkit.config.dataset import Dataset, Task
from tfxkit.features.label import TYPES, count_values, describe_unknown
from tfxkit.storage.artifacts import ColumnStatistics, split_files
from tfxkit.values.reading import text_domain

_MOST_KNOWN = 20  # in a message


def label_findings(
    statistics: Mapping[str, ColumnStatistics],
    baseline: Mapping[str, ColumnStatistics],
    examples_uri: str | None,
    schema: schema_pb2.Schema,
    dataset: Dataset,
) -> Iterator[GateFinding]:
    """Yields an error for each split with unknown values of the label.

    Args:
        statistics: Of the data, by split.
        baseline: Of the data of the served model, by split; empty without one.
        examples_uri: URI of the `Examples`, whose rows show the values of a label of numbers; None
            to leave such a label out.
        schema: Schema of the rows.
        dataset: The label.
    """
    if dataset.task is Task.REGRESSION or dataset.label.greater_than is not None:
        return
    column, positive = dataset.label.column, dataset.label.positive
    known = dataset.label_values() or text_domain(schema, column) or _values(baseline, column)
    for split in sorted(statistics, key=lambda name: (name != "train", name)):
        if column not in statistics[split]:
            continue  # an anomaly
        measured = statistics[split][column]
        counts = _text_counts(measured)
        if counts is None and examples_uri is not None and _can_be_unknown(measured, known):
            dtypes = {feature.name: TYPES.get(feature.type) for feature in schema.feature}
            if (dtype := dtypes.get(column)) is not None:
                counts = count_values(split_files(examples_uri, split), column, dtype)
        if not counts:
            continue
        if known and (unknown := {v: n for v, n in counts.items() if v not in known}):
            shown = ", ".join(map(repr, list(known)[:_MOST_KNOWN]))
            more = f" and {len(known) - _MOST_KNOWN} more" if len(known) > _MOST_KNOWN else ""
            what = (
                f"Unknown values of the label: {describe_unknown(unknown, known)}. "
                f"Known: {shown}{more}"
            )
            yield GateFinding(column, what, split, "label", "error")
        elif split == "train" and positive is not None and positive not in counts:
            values = describe_unknown(counts, [positive])
            what = f"No row of the label has its positive value {positive!r}. Values: {values}"
            yield GateFinding(column, what, split, "label", "error")


def _values(statistics: Mapping[str, ColumnStatistics], column: str) -> tuple[str, ...]:
    values: set[str] = set()
    for columns in statistics.values():
        if column in columns:
            values |= (_text_counts(columns[column]) or {}).keys()
    return tuple(sorted(values))


def _text_counts(column: FeatureNameStatistics) -> dict[str, int] | None:
    """Rows of each text; None for numbers. The empty text is a missing value."""
    if not column.HasField("string_stats"):
        return None
    buckets = column.string_stats.rank_histogram.buckets
    return {bucket.label: int(bucket.sample_count) for bucket in buckets if bucket.label}


def _can_be_unknown(column: FeatureNameStatistics, known: tuple[str, ...]) -> bool:
    """False if the extremes of whole numbers show that all of them are in a domain without gaps."""
    if not known:
        return False
    if column.type != FeatureNameStatistics.INT or not column.HasField("num_stats"):
        return True
    stats = column.num_stats
    between = range(int(stats.min), int(stats.max) + 1)
    return len(between) > len(known) or any(str(number) not in known for number in between)

"""Confusion table; for many classes, the most frequent confusions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from sklearn.metrics import confusion_matrix
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.config.dataset import Dataset, Task
from tfxkit.metrics.catalogue import DECISION_THRESHOLD
from tfxkit.report.eval_rows import EvalRows
from tfxkit.storage.statistics import Columns

_MOST_CLASSES = 12
_MOST_PAIRS = 15


@dataclasses.dataclass(frozen=True)
class Cell:
    """Rows of one class that were predicted as another, or as the same.

    Attributes:
        rows: The number.
        share: Of the rows of their class.
        right: Whether it is the right one.
    """

    rows: int
    share: float
    right: bool


@dataclasses.dataclass(frozen=True)
class Confusion:
    """A table, or where there are too many classes for one, the pairs.

    Attributes:
        classes: The names.
        table: A row for each actual class, a cell for each predicted one.
        pairs: Actual, predicted, rows, share of the actual class.
    """

    classes: list[str]
    table: list[tuple[str, list[Cell]]]
    pairs: list[tuple[str, str, int, float]]


def class_names(dataset: Dataset, statistics: Iterable[Columns]) -> list[str]:
    """The names of the classes in order; of a binary task the negative one first.

    Args:
        dataset: With a label of classes.
        statistics: Of each split; they show which value there is beside the positive one.
    """
    label = dataset.label
    if dataset.task is not Task.BINARY:
        return list(label.classes)
    if label.greater_than is not None:
        bound = f"{label.greater_than:g}" + (f" × {label.times}" if label.times else "")
        negative, positive = (f"{label.column} {sign} {bound}" for sign in ("≤", ">"))
    elif label.positive is not None:
        others = _values(label.column, statistics) - {label.positive}
        negative = others.pop() if len(others) == 1 else f"not {label.positive}"
        positive = label.positive
    else:
        negative, positive = (f"{label.column} = {value}" for value in (0, 1))
    return [negative, f"{positive} (positive)"]


def _values(column: str, statistics: Iterable[Columns]) -> set[str]:
    """The values of a label's column, if the statistics show that these are all; else empty."""
    found: set[str] = set()
    for columns in statistics:
        if column not in columns:
            continue
        values = _all_values(columns[column])
        if not values:
            return set()
        found |= values
    return found - {""}  # which is a missing label


def _all_values(column: FeatureNameStatistics) -> set[str]:
    if column.HasField("num_stats"):
        ends = {int(column.num_stats.min), int(column.num_stats.max)}
        next_to_each_other = column.type == column.INT and max(ends) - min(ends) <= 1
        return {str(end) for end in ends} if next_to_each_other else set()
    values = {bucket.label for bucket in column.string_stats.rank_histogram.buckets}
    return values if len(values) >= column.string_stats.unique else set()


def confusion(rows: EvalRows, names: list[str]) -> Confusion:
    """Counts.

    Args:
        rows: The answers of the model.
        names: Of the classes, in order.
    """
    if rows.predictions.ndim == 1:  # binary: probabilities of the positive class
        predicted = (rows.predictions > DECISION_THRESHOLD).astype(int)
    else:
        predicted = rows.predictions.argmax(axis=1)
    matrix = confusion_matrix(rows.labels.astype(int), predicted, labels=range(len(names)))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    table = [
        (name, [Cell(int(matrix[a, p]), float(shares[a, p]), a == p) for p in range(len(names))])
        for a, name in enumerate(names)
    ]
    if len(names) <= _MOST_CLASSES:
        return Confusion(names, table, [])
    off = matrix * (1 - np.eye(len(names), dtype=int))
    worst = np.argsort(-off, axis=None, kind="stable")[:_MOST_PAIRS]
    places = [divmod(int(place), len(names)) for place in worst if off.flat[place]]
    pairs = [(names[a], names[p], int(off[a, p]), float(shares[a, p])) for a, p in places]
    return Confusion(names, [], pairs)

"""Which classes are taken for which, as a table; of many classes the most frequent confusions."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.metrics import confusion_matrix

from pipeline.report.eval_rows import EvalRows
from tfxkit.metrics.catalogue import DECISION_THRESHOLD

_MOST_CLASSES = 12
_MOST_PAIRS = 15


@dataclasses.dataclass(frozen=True)
class Cell:
    """How many rows of a class were taken for one.

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


def confusion(rows: EvalRows, classes: list[str] | None) -> Confusion:
    """Counts.

    Args:
        rows: The answers of the model.
        classes: Their names in order; None for a binary task.
    """
    if classes is None:
        names = ["negative", "positive"]
        predicted = (rows.predictions > DECISION_THRESHOLD).astype(int)
    else:
        names, predicted = classes, rows.predictions.argmax(axis=1)
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

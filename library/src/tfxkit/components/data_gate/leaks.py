"""Whether a single feature gives the label away: from rows, as statistics keep columns apart.

A few thousand rows tell what determines the label, however many there are; so this costs the same
on any data and any runner. What is learned on one half of them is tried on the other, else a column
of names that are all different would seem to know everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.dataset import Dataset, Task
from tfxkit.errors import DataError
from tfxkit.features.columns import as_text, first_value
from tfxkit.features.label import NO_LABEL, make_label

ROWS = 3000
_GROUPS = 64  # of numbers, of about as many rows each
_FEWEST = 100  # rows: less prove nothing
_TYPES = {schema_pb2.INT: tf.int64, schema_pb2.FLOAT: tf.float32, schema_pb2.BYTES: tf.string}

Codes = NDArray[np.int64]


def associations(
    examples: list[bytes], schema: schema_pb2.Schema, dataset: Dataset
) -> dict[str, float]:
    """How much of the label each feature tells on its own.

    Args:
        examples: Serialized raw rows.
        schema: Their types.
        dataset: Says what label and features are.

    Returns:
        Per feature a number from 0 (nothing) to 1 (all): the share of errors that knowing the
        feature spares, or for numbers the share of the variance of ranks that it explains. A label
        that is derived from a number is leaked by that number, too. Empty if there is too little
        to judge by.
    """
    spec = {f.name: tf.io.VarLenFeature(_TYPES[f.type]) for f in schema.feature if f.type in _TYPES}
    columns = tf.io.parse_example(tf.constant(examples, tf.string), spec)
    targets = list(_targets(dataset, columns))
    return {
        name: max(_association(_codes(columns[name]), *target) for target in targets)
        for name in dataset.features()
        if name in columns and targets
    }


def _targets(
    dataset: Dataset, columns: Mapping[str, tf.SparseTensor]
) -> Iterator[tuple[NDArray[np.float64], bool]]:
    """The label, and the number that it is derived from; each with whether it is a number."""
    try:
        label = make_label(dataset, columns).numpy().astype(np.float64)
    except DataError:  # the anomalies say that its column is not there
        return
    numeric = dataset.task is Task.REGRESSION
    if not numeric:
        label[label == NO_LABEL] = np.nan
    found = [(label, numeric)]
    if dataset.label.greater_than is not None:
        values, missing = first_value(columns[dataset.label.column])
        found.append((np.where(missing, np.nan, values.numpy().astype(np.float64)), True))
    for target, is_number in found:
        known = target[np.isfinite(target)]
        if len(known) >= _FEWEST and len(np.unique(known)) > 1:
            yield (_ranks(target) if is_number else target), is_number


def _association(codes: Codes, target: NDArray[np.float64], numeric: bool) -> float:
    known = np.isfinite(target)
    codes, target = codes[known], target[known]
    if not numeric:
        target = np.unique(target, return_inverse=True)[1].astype(np.float64)
    halves = np.arange(len(target)) % 2 == 0
    guess = _means if numeric else _most_frequent
    lost = to_lose = 0.0
    for learn in (halves, ~halves):
        truth = target[~learn]
        told = guess(codes, codes[~learn], learn, target)
        blind = guess(0 * codes, 0 * codes[~learn], learn, target)
        lost += _loss(told, truth, numeric)
        to_lose += _loss(blind, truth, numeric)
    return max(0.0, 1.0 - lost / to_lose) if to_lose else 0.0


def _loss(predicted: NDArray[np.float64], truth: NDArray[np.float64], numeric: bool) -> float:
    """The squared error, or the number of errors."""
    return float(np.sum((predicted - truth) ** 2 if numeric else predicted != truth))


def _means(
    codes: Codes, asked: Codes, learn: NDArray[np.bool_], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    size = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=size)
    sums = np.bincount(codes[learn], target[learn], size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), target[learn].mean())
    return means[asked]


def _most_frequent(
    codes: Codes, asked: Codes, learn: NDArray[np.bool_], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    classes, size = int(target.max()) + 1, int(codes.max()) + 1
    pairs = codes[learn] * classes + target[learn].astype(np.int64)
    counts = np.bincount(pairs, minlength=size * classes).reshape(size, classes)
    overall = np.bincount(target[learn].astype(np.int64), minlength=classes).argmax()
    best = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), overall)
    return best[asked].astype(np.float64)


def _codes(column: tf.SparseTensor) -> Codes:
    """A number for each value, or for each group of neighbours; one for those that are missing."""
    values, missing = first_value(column)
    absent = missing.numpy()
    if values.dtype == tf.string:
        codes = np.unique(as_text(values).numpy(), return_inverse=True)[1]
    else:
        numbers = values.numpy().astype(np.float64)
        codes = np.unique(numbers, return_inverse=True)[1]
        if codes.max(initial=0) >= _GROUPS:
            edges = np.unique(np.quantile(numbers[~absent], np.linspace(0, 1, _GROUPS + 1)[1:-1]))
            codes = np.searchsorted(edges, numbers, side="right")
    return np.where(absent, 0, codes + 1).astype(np.int64)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0 to 1, equal ones for equal values: neither unit nor outliers matter then."""
    known = np.isfinite(values)
    _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    ranks = np.full(len(values), np.nan)
    ranks[known] = middle[inverse] / max(len(inverse) - 1, 1)
    return ranks

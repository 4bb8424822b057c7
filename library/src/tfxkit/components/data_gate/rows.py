"""Findings in the rows themselves: repeats, target leakage, spans older than those before.

Target leakage needs rows, as statistics keep columns apart. A few thousand of them show which
feature determines the label, so the check costs the same on data of any size. Associations are
learned on one half of the rows and tested on the other; otherwise a column of unique names would
seem to determine everything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.types import artifact_utils

from tfxkit.components.data_gate.findings import ALL_COLUMNS, GateFinding
from tfxkit.config.dataset import Dataset, Task, Validation
from tfxkit.errors import DataError
from tfxkit.features.columns import as_text, first_value
from tfxkit.features.label import TYPES, make_label
from tfxkit.storage.artifacts import repeated_share, span_numbers
from tfxkit.storage.filesystems import fileio

SAMPLE_ROWS = 3000
_GROUPS = 64  # of numbers, with about equal rows
_FEWEST = 100  # rows: fewer prove nothing

Codes = NDArray[np.int64]


def row_findings(
    examples: types.Artifact,
    baseline: types.Artifact | None,
    schema: schema_pb2.Schema,
    dataset: Dataset,
    validation: Validation,
) -> Iterator[GateFinding]:
    """Yields warnings about the rows of ExampleGen.

    Args:
        examples: `Examples` of SpanExampleGen.
        baseline: Statistics of the served model's data, with the spans as a custom property; None
            without a served model.
        schema: Schema of the rows.
        dataset: Label and features.
        validation: Thresholds.
    """
    if baseline is not None:
        yield from _older_spans(examples, baseline)
    if validation.max_repeated is not None:
        yield from _repeats(examples, validation.max_repeated)
    if validation.max_association is not None:
        yield from _leaks(examples, schema, dataset, validation.max_association)


def _older_spans(examples: types.Artifact, baseline: types.Artifact) -> Iterator[GateFinding]:
    now, before = span_numbers(examples), span_numbers(baseline)
    if now and before and max(now) < max(before):
        what = (
            f"The newest span is {max(now)}; the served model was trained on spans up to "
            f"{max(before)}: this is older data"
        )
        yield GateFinding(ALL_COLUMNS, what, "spans", "rows", "warning")


def _repeats(examples: types.Artifact, allowed: float) -> Iterator[GateFinding]:
    share = repeated_share(examples)
    if share is not None and share > allowed:
        what = f"Repeated rows: about {share:.0%} repeat another row; {allowed:.0%} is allowed"
        yield GateFinding(ALL_COLUMNS, what, "rows", "rows", "warning")


def _leaks(
    examples: types.Artifact, schema: schema_pb2.Schema, dataset: Dataset, allowed: float
) -> Iterator[GateFinding]:
    split = artifact_utils.decode_split_names(examples.split_names)[0]
    for name, association in associations(_sample(examples, split), schema, dataset).items():
        if association > allowed:
            what = (
                f"Target leakage: this column alone determines {association:.1%} of the label; "
                f"{allowed:.0%} is allowed. Is it known at prediction time? If not, give it the "
                "role ignored"
            )
            yield GateFinding(name, what, split, "rows", "warning")


def _sample(examples: types.Artifact, split: str) -> list[bytes]:
    """First rows of all files, up to `SAMPLE_ROWS`."""
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(os.path.join(folder, os.fsdecode(name)) for name in fileio.listdir(folder))
    each = -(-SAMPLE_ROWS // max(len(files), 1))
    begins, rests = [], []
    for file in files[:SAMPLE_ROWS]:
        compression = "GZIP" if file.endswith(".gz") else ""
        rows = tf.data.TFRecordDataset([file], compression_type=compression)
        begins += rows.take(each).as_numpy_iterator()
        rests.append(rows.skip(each))
    for rest in rests:  # if some files have few rows or none
        begins += rest.take(max(SAMPLE_ROWS - len(begins), 0)).as_numpy_iterator()
    return begins


def associations(
    examples: list[bytes], schema: schema_pb2.Schema, dataset: Dataset
) -> dict[str, float]:
    """Association of each single feature with the label.

    Args:
        examples: Serialized raw rows.
        schema: Types of the columns.
        dataset: Label and features.

    Returns:
        For each feature a number from 0 (none) to 1 (determines the label): the share of errors
        that the feature avoids, or for numbers the share of the variance of ranks that it
        explains. A label derived from a number is also leaked by that number. Empty with too few
        rows.
    """
    spec = {f.name: tf.io.VarLenFeature(TYPES[f.type]) for f in schema.feature if f.type in TYPES}
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
    """Yields the label, and the number that it is derived from, each with True for numbers."""
    try:
        label = make_label(dataset, columns).numpy().astype(np.float64)
    except DataError:  # its missing column is an anomaly
        return
    numeric = dataset.task is Task.REGRESSION
    if not numeric:
        label[label < 0] = np.nan
    targets = [(label, numeric)]
    if dataset.label.greater_than is not None:
        values, missing = first_value(columns[dataset.label.column])
        targets.append((np.where(missing, np.nan, values.numpy().astype(np.float64)), True))
    for target, is_number in targets:
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
        informed = guess(codes, codes[~learn], learn, target)
        blind = guess(0 * codes, 0 * codes[~learn], learn, target)
        lost += _loss(informed, truth, numeric)
        to_lose += _loss(blind, truth, numeric)
    return max(0.0, 1.0 - lost / to_lose) if to_lose else 0.0


def _loss(predicted: NDArray[np.float64], truth: NDArray[np.float64], numeric: bool) -> float:
    """Squared error, or number of errors."""
    return float(np.sum((predicted - truth) ** 2 if numeric else predicted != truth))


def _means(
    codes: Codes, queried: Codes, learn: NDArray[np.bool_], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    size = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=size)
    sums = np.bincount(codes[learn], target[learn], size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), target[learn].mean())
    return means[queried]


def _most_frequent(
    codes: Codes, queried: Codes, learn: NDArray[np.bool_], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    classes, size = int(target.max()) + 1, int(codes.max()) + 1
    pairs = codes[learn] * classes + target[learn].astype(np.int64)
    counts = np.bincount(pairs, minlength=size * classes).reshape(size, classes)
    overall = np.bincount(target[learn].astype(np.int64), minlength=classes).argmax()
    best = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), overall)
    return best[queried].astype(np.float64)


def _codes(column: tf.SparseTensor) -> Codes:
    """Code of each value, or of each group of neighbouring numbers; 0 for missing values."""
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
    """Ranks from 0 to 1, equal for equal values, so that neither unit nor outliers matter."""
    known = np.isfinite(values)
    _, inverse, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    ranks = np.full(len(values), np.nan)
    ranks[known] = middle[inverse] / max(len(inverse) - 1, 1)
    return ranks

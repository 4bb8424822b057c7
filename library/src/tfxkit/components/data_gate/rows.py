"""Findings in the rows: rounded numbers, repeats, target leakage, spans older than those before.

Target leakage needs rows, as statistics keep columns apart. A few thousand of them show which
feature determines the label (`tfxkit.metrics.association`), so the check costs the same on data of
any size.
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

from tfxkit.components.data_gate.findings import (
    ALL_COLUMNS,
    GateFinding,
    Severity,
)
from tfxkit.config.dataset import Dataset, Role, Task, Validation
from tfxkit.errors import DataError
from tfxkit.evaluation import Leak
from tfxkit.features.columns import as_text, first_value
from tfxkit.features.label import TYPES, make_label
from tfxkit.metrics.association import (
    LEAK,
    SAMPLE_ROWS,
    Codes,
    can_be_determined,
    find_weighted_sum,
    group_values,
    measure_association,
    rank,
)
from tfxkit.storage.artifacts import repeated_share, rounded_numbers, span_numbers
from tfxkit.storage.filesystems import fileio


def row_findings(
    examples: types.Artifact,
    baseline: types.Artifact | None,
    validation: Validation,
    dataset: Dataset,
) -> Iterator[GateFinding]:
    """Yields warnings about the rows of ExampleGen.

    Args:
        examples: `Examples` of SpanExampleGen.
        baseline: Statistics of the served model's data, with the spans as a custom property; None
            without a served model.
        validation: Thresholds.
        dataset: Label and features.
    """
    yield from _rounded(examples, dataset)
    if baseline is not None:
        yield from _older_spans(examples, baseline)
    if validation.max_repeated is not None:
        yield from _repeats(examples, validation.max_repeated)


def find_leaks(
    examples: types.Artifact, schema: schema_pb2.Schema, dataset: Dataset, allowed: float
) -> tuple[list[Leak], list[GateFinding]]:
    """Finds columns that determine the label, alone or, for numbers, as a weighted sum.

    Args:
        examples: `Examples` of SpanExampleGen.
        schema: Schema of the rows.
        dataset: Label and features.
        allowed: Association up to which a column is no finding.

    Returns:
        The columns that alone determine nearly all of the label, accepted or not; and the findings,
        without columns that a person has accepted.
    """
    split = artifact_utils.decode_split_names(examples.split_names)[0]
    return leaks_in(_sample(examples, split), split, schema, dataset, allowed=allowed)


def leaks_in(
    sample: list[bytes],
    split: str,
    schema: schema_pb2.Schema,
    dataset: Dataset,
    *,
    allowed: float,
) -> tuple[list[Leak], list[GateFinding]]:
    """As `find_leaks`, in serialized raw rows of a split."""
    leaks, findings = [], []
    for name, association in associations(sample, schema, dataset).items():
        accepted = dataset.columns[name].known
        if association >= LEAK:
            leaks.append(Leak(name, association, accepted))
        if association > allowed and not accepted:
            severity: Severity = "error" if association >= LEAK else "warning"
            what = f"Target leakage: this column alone determines {association:.1%} of the label"
            findings.append(GateFinding(name, what, split, "leak", severity))
    leaking = {leak.column for leak in leaks}
    names = _summands(sample, schema, dataset, leaking)
    if not all(dataset.columns[name].known for name in names):
        what = f"Target leakage: a weighted sum of {' and '.join(names)} is the label"
        findings.append(GateFinding(", ".join(names), what, split, "leak", "warning"))
    return leaks, findings


def _summands(
    examples: list[bytes], schema: schema_pb2.Schema, dataset: Dataset, leaking: set[str]
) -> tuple[str, ...]:
    """Numeric columns whose weighted sum is the label of a regression; none if there is no sum."""
    if dataset.task is not Task.REGRESSION or not examples:
        return ()
    numbers = {
        feature.name: TYPES[feature.type]
        for feature in schema.feature
        if feature.type in (schema_pb2.INT, schema_pb2.FLOAT)
    }
    features = [
        name
        for name, column in dataset.features().items()
        if column.role is Role.NUMERIC and name in numbers and name not in leaking
    ]
    label = dataset.label.column
    if not features or label not in numbers:
        return ()
    spec = {name: tf.io.VarLenFeature(numbers[name]) for name in (*features, label)}
    parsed = tf.io.parse_example(tf.constant(examples, tf.string), spec)
    columns = {}
    for name, column in parsed.items():
        values, missing = first_value(column)
        columns[name] = np.where(missing, np.nan, values.numpy().astype(np.float64))
    target = columns.pop(label)
    return find_weighted_sum(columns, target)


def _rounded(examples: types.Artifact, dataset: Dataset) -> Iterator[GateFinding]:
    used = {*dataset.features(), dataset.label.column, dataset.label.times}
    for name, (number, read_as) in sorted(rounded_numbers(examples).items()):
        if name in used:
            example = f": {number} is read as {read_as}" if dataset.shows_values(name) else ""
            what = f"Whole numbers in a column of type FLOAT, which keeps 7 digits{example}"
            yield GateFinding(name, what, "rows", "rounding", "warning")


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
        name: max(measure_association(_codes(columns[name]), *target) for target in targets)
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
        if can_be_determined(target):
            yield (rank(target) if is_number else target), is_number


def _codes(column: tf.SparseTensor) -> Codes:
    values, missing = first_value(column)
    if values.dtype == tf.string:
        return group_values(as_text(values).numpy(), missing.numpy())
    return group_values(values.numpy().astype(np.float64), missing.numpy())

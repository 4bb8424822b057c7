"""What statistics do not show, and rows do: repeats, a label given away, spans that go back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.types import artifact_utils

from tfxkit.components.data_gate.anomalies import WHOLE
from tfxkit.components.data_gate.findings import Finding
from tfxkit.components.data_gate.leaks import ROWS, associations
from tfxkit.config.bounds import Validation
from tfxkit.config.dataset import Dataset
from tfxkit.storage import examples_artifact
from tfxkit.storage.filesystems import fileio


def findings(
    examples: types.Artifact,
    baseline: types.Artifact | None,
    schema: schema_pb2.Schema,
    dataset: Dataset,
    validation: Validation,
) -> Iterator[Finding]:
    """Warnings about the rows as ExampleGen wrote them.

    Args:
        examples: `Examples` of SpanExampleGen.
        baseline: Statistics of the served model's data, if there are any; its spans are a custom
            property.
        schema: The schema of the rows.
        dataset: Label and features.
        validation: The thresholds.
    """
    if baseline is not None:
        yield from _older_spans(examples, baseline)
    if validation.max_repeated is not None:
        yield from _repeats(examples, validation.max_repeated)
    if validation.max_association is not None:
        yield from _leaks(examples, schema, dataset, validation.max_association)


def _older_spans(examples: types.Artifact, baseline: types.Artifact) -> Iterator[Finding]:
    now, before = examples_artifact.spans(examples), examples_artifact.spans(baseline)
    if now and before and max(now) < max(before):
        what = (
            f"The newest span is {max(now)}; the served model was trained on spans up to "
            f"{max(before)}: this is older data"
        )
        yield Finding(WHOLE, what, "spans", "rows", "warning")


def _repeats(examples: types.Artifact, allowed: float) -> Iterator[Finding]:
    share = examples_artifact.repeated_share(examples)
    if share is not None and share > allowed:
        what = f"Repeated rows: about {share:.0%} are there already, where {allowed:.0%} is allowed"
        yield Finding(WHOLE, what, "rows", "rows", "warning")


def _leaks(
    examples: types.Artifact, schema: schema_pb2.Schema, dataset: Dataset, allowed: float
) -> Iterator[Finding]:
    split = artifact_utils.decode_split_names(examples.split_names)[0]
    found = associations(_sample(examples, split), schema, dataset)
    for name, association in found.items():
        if association > allowed:
            what = (
                f"Label given away: this column alone tells {association:.1%} of the label, where "
                f"{allowed:.0%} is allowed. Is it known when a prediction is asked for? If not, "
                "give it the role ignored"
            )
            yield Finding(name, what, split, "rows", "warning")


def _sample(examples: types.Artifact, split: str) -> list[bytes]:
    """The first rows of each file, one after the other, until they are enough."""
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(os.path.join(folder, os.fsdecode(name)) for name in fileio.listdir(folder))
    each = -(-ROWS // max(len(files), 1))
    begins, rests = [], []
    for file in files[:ROWS]:
        compression = "GZIP" if file.endswith(".gz") else ""
        rows = tf.data.TFRecordDataset([file], compression_type=compression)
        begins += rows.take(each).as_numpy_iterator()
        rests.append(rows.skip(each))
    for rest in rests:  # where other files have few rows or none
        begins += rest.take(max(ROWS - len(begins), 0)).as_numpy_iterator()
    return begins

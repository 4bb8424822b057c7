"""On clean CSV files the examples are those of TFX's own CsvExampleGen."""

from collections import Counter
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components import CsvExampleGen
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from components.example_gen.component import SpanExampleGen

SCHEMA = """
    feature { name: "count" type: INT }
    feature { name: "price" type: FLOAT }
    feature { name: "name" type: BYTES }
"""
NAMES = ["plain", "größe", '"with, comma"', '"with ""quotes"""', " spaces ", ""]


def examples(component, root: Path) -> Counter:
    """All examples of a component, whatever split and file they are in."""
    LocalDagRunner().run(
        pipeline.Pipeline(
            pipeline_name="test",
            pipeline_root=str(root),
            components=[component],
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(root / "metadata.sqlite")
            ),
            beam_pipeline_args=["--runner=FnApiRunner"],
        )
    )
    files = [str(file) for file in root.rglob("*.gz")]
    assert files
    return Counter(map(readable, tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()))


def readable(example: bytes) -> str:
    """What is in it; a missing value is no feature with us, and one without values in TFX."""
    features = tf.train.Example.FromString(example).features.feature
    kinds = {name: feature.WhichOneof("kind") for name, feature in sorted(features.items())}
    values = {
        name: kind and list(getattr(features[name], kind).value) for name, kind in kinds.items()
    }
    return str({name: (kinds[name], found) for name, found in values.items() if found})


@pytest.mark.slow
def test_the_same_examples(tmp_path):
    span = tmp_path / "data" / "span-1"
    span.mkdir(parents=True)
    for number in range(2):
        lines = ["count,price,name"]
        for i in range(number * 100, number * 100 + 100):
            count, price = "" if i % 7 == 0 else i - 50, "" if i % 11 == 0 else f"{i / 3:.4f}"
            lines.append(f"{count},{price},{NAMES[i % len(NAMES)]}")
        (span / f"rows-{number}.csv").write_text("\n".join(lines) + "\n")

    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    ours = SpanExampleGen(str(tmp_path / "data"), schema, "all", {"train": 2, "eval": 1})
    stock = CsvExampleGen(input_base=str(span))

    expected = examples(stock, tmp_path / "stock")
    assert sum(expected.values()) == 200
    assert examples(ours, tmp_path / "ours") == expected

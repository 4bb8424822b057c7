"""On clean CSV files examples and splits are those of TFX's own CsvExampleGen."""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components import CsvExampleGen
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.proto import example_gen_pb2

from tfxkit.components.example_gen.component import SpanExampleGen

SCHEMA = """
    feature { name: "count" type: INT }
    feature { name: "price" type: FLOAT }
    feature { name: "name" type: BYTES }
    feature { name: "customer" type: BYTES }
    feature { name: "area" type: INT }
"""
SPLITS = {"train": 2, "eval": 1}
NAMES = ["plain", "größe", '"with, comma"', '"with ""quotes"""', " spaces ", ""]


def examples(component, root: Path) -> dict[str, Counter]:
    """The examples of a component by split, whatever file they are in."""
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
    found: dict[str, Counter] = {}
    for file in root.rglob("*.gz"):
        records = tf.data.TFRecordDataset([str(file)], "GZIP").as_numpy_iterator()
        found.setdefault(file.parent.name, Counter()).update(map(readable, records))
    assert found.keys() == {"Split-train", "Split-eval"}
    return found


def readable(example: bytes) -> str:
    """Its features with values: TFX writes a missing value as a feature without values."""
    features = tf.train.Example.FromString(example).features.feature
    kinds = {name: feature.WhichOneof("kind") for name, feature in sorted(features.items())}
    values = {
        name: kind and list(getattr(features[name], kind).value) for name, kind in kinds.items()
    }
    return str({name: (kinds[name], found) for name, found in values.items() if found})


@pytest.fixture
def span(tmp_path):
    folder = tmp_path / "data" / "span-1"
    folder.mkdir(parents=True)
    for number in range(2):
        lines = ["count,price,name,customer,area"]
        for i in range(number * 100, number * 100 + 100):
            count, price = "" if i % 7 == 0 else i - 50, "" if i % 11 == 0 else f"{i / 3:.4f}"
            lines.append(f"{count},{price},{NAMES[i % len(NAMES)]},c{i % 23},{i % 19 - 9}")
        (folder / f"rows-{number}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def ours(span):
    """Makes our component."""
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    return partial(SpanExampleGen, str(span.parent), schema, "all", SPLITS)


@pytest.mark.slow
def test_the_same_examples(span, ours, tmp_path):
    stock = sum(examples(CsvExampleGen(str(span)), tmp_path / "stock").values(), Counter())
    assert sum(stock.values()) == 200
    assert sum(examples(ours(), tmp_path / "ours").values(), Counter()) == stock


@pytest.mark.slow
@pytest.mark.parametrize("column", ["customer", "area"])
def test_the_same_splits_by_a_column(span, ours, tmp_path, column):
    config = example_gen_pb2.SplitConfig(partition_feature_name=column)
    for name, buckets in SPLITS.items():
        config.splits.add(name=name, hash_buckets=buckets)
    stock = CsvExampleGen(str(span), output_config=example_gen_pb2.Output(split_config=config))
    expected = examples(stock, tmp_path / "stock")
    assert examples(ours(split_by=column), tmp_path / "ours") == expected

"""Small data frames, taken through tf.Transform as the Transform component would do it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata import metadata_io
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx_bsl.tfxio import tf_example_record

from tests.sample.models.features import preprocessing_fn
from tfxkit.config.dataset import Dataset
from tfxkit.config.settings import ModelSettings, TrainSettings


@dataclasses.dataclass(frozen=True)
class Transformed:
    """Inputs of the Trainer, with paths as strings, as `run_fn` receives them."""

    dataset: Dataset
    graph: str
    train_files: str
    schema_path: str
    examples: list[bytes]  # the raw rows

    @property
    def output(self) -> tft.TFTransformOutput:
        return tft.TFTransformOutput(self.graph)


def to_examples(frame: pd.DataFrame) -> list[bytes]:
    return [to_example(row) for row in frame.to_dict("records")]


def to_example(row: dict) -> bytes:
    """A row as serialized tf.Example; a missing value has no feature, as ExampleGen writes it."""
    features = {}
    for name, value in row.items():
        if pd.isna(value):
            continue
        if isinstance(value, str):
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        elif isinstance(value, int):
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        features[name] = feature
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def make_schema(frame: pd.DataFrame) -> schema_pb2.Schema:
    """A schema in which every column may be missing."""
    schema = schema_pb2.Schema()
    for name in frame.columns:
        present = [value for value in frame[name] if not pd.isna(value)]
        kind = {str: "BYTES", int: "INT", float: "FLOAT"}[type(present[0]) if present else float]
        feature = schema.feature.add(name=name, type=schema_pb2.FeatureType.Value(kind))
        feature.value_count.min = feature.value_count.max = 1
    return schema


def transform(
    dataset: Dataset,
    frame: pd.DataFrame,
    directory: Path,
    preprocessing_fn: Callable[..., Any] = preprocessing_fn,
) -> Transformed:
    schema = make_schema(frame)
    examples = to_examples(frame)
    tfxio = tf_example_record.TFExampleBeamRecord(
        physical_format="memory", schema=schema, telemetry_descriptors=["test"]
    )
    graph, rows = directory / "graph", directory / "train.gz"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    with (
        beam.Pipeline(options=PipelineOptions([], runner="FnApiRunner")) as pipeline,
        tft_beam.Context(str(directory / "temp")),
    ):
        raw = pipeline | beam.Create(examples, reshuffle=False) | tfxio.BeamSource()
        transform_fn = (raw, tfxio.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, {"dataset": dataset.for_model()})
        )
        _ = transform_fn | tft_beam.WriteTransformFn(str(graph))
    with tf.io.TFRecordWriter(str(rows), "GZIP") as writer:
        for example in examples:
            writer.write(example)
    metadata_io.write_metadata(DatasetMetadata(schema), str(graph / "metadata"))
    return Transformed(
        dataset=dataset,
        graph=str(graph),
        train_files=str(rows),
        schema_path=str(directory / "schema.pbtxt"),
        examples=examples,
    )


# Names that a CSV may have and that some layer below would not take: spaces, dots, slashes,
# letters of other alphabets, Python keywords, digits and underscores in front.
HARD = Dataset.model_validate(
    {
        "task": "binary",
        "label": {"column": "tip/€", "greater_than": 0.2, "times": "price (€)"},
        "columns": {
            "price (€)": {"role": "numeric"},
            "1.level": {"role": "numeric", "fill": 0},
            "class": {"role": "categorical", "min_count": 2},
            "Straße": {"role": "hashed", "buckets": 16},
            "_age.in/years": {"role": "bucketized", "buckets": 4},
            "lambda": {"role": "timestamp"},
            "when?": {"role": "timestamp", "unit": "text"},
            'note "1"': {"role": "text", "buckets": 64},
            "paid": {"role": "categorical"},
            "never": {"role": "numeric"},
            "never text": {"role": "categorical"},
            "tip/€": {"role": "ignored"},
        },
    }
)


WORDS = ["Guten", "Tag", "größe", "don't", "1,5", "你好"]


def hard_frame(rows: int = 240) -> pd.DataFrame:
    random, more = np.random.default_rng(0), np.random.default_rng(1)
    price = np.round(random.lognormal(2, 1, rows), 2)
    kind = random.choice(["card", "cash", "voucher"], rows, p=[0.5, 0.4, 0.1])
    tip = np.round(price * np.where(kind == "card", 0.3, 0.1), 2)
    frame = pd.DataFrame(
        {
            "price (€)": price,
            "1.level": random.normal(size=rows),
            "class": kind,
            "Straße": random.integers(17031000000, 17031000099, rows),
            "_age.in/years": random.integers(0, 100, rows),
            "lambda": 1_400_000_000 + random.integers(0, 10**8, rows),
            "when?": [
                f"20{i % 10 + 10}-0{i % 9 + 1}-{i % 28 + 1:02} 12:{i % 60:02}" for i in range(rows)
            ],
            'note "1"': [" ".join(more.choice(WORDS, i % 7)) for i in range(rows)],
            "paid": more.integers(0, 2, rows),
            "never": None,
            "never text": None,
            "tip/€": tip,
        }
    ).astype(object)
    frame.loc[0, "class"] = "once"  # below min_count
    frame.loc[[1, 2], "when?"] = [None, "soon"]
    for column in ("1.level", "class", "Straße", "_age.in/years"):
        frame.loc[random.random(rows) < 0.2, column] = None
    frame.loc[frame.index[-1], "price (€)"] = None
    return frame


SMALL = {"x": {"role": "numeric"}, "word": {"role": "categorical"}}


def small_frame(rows: int = 300) -> pd.DataFrame:
    """Two columns to learn from; the label is up to the test."""
    random = np.random.default_rng(0)
    words = random.choice(["a", "b"], rows, p=[0.6, 0.4])
    return pd.DataFrame({"x": random.normal(size=rows), "word": words}).astype(object)


@pytest.fixture(scope="session")
def hard(tmp_path_factory) -> Transformed:
    return transform(HARD, hard_frame(), tmp_path_factory.mktemp("hard"))


def fn_args(transformed: Transformed, directory: Path, **changes) -> FnArgs:
    """The argument of `run_fn`, for a training of seconds.

    Changes are of settings, or of `base_model`, `hyperparameters` and `code_hash`.
    """
    model = {"members": 2, "width": 16, "depth": 1, "embedding": 4, "bins": 8}
    train = {"epochs": 4, "batch_size": 32, "held_out": 0.2}
    for part, settings in ((model, ModelSettings), (train, TrainSettings)):
        part |= {name: changes[name] for name in changes if name in settings.model_fields}
    return FnArgs(
        train_files=[transformed.train_files],
        schema_path=transformed.schema_path,
        transform_graph_path=transformed.graph,
        serving_model_dir=str(directory / "Format-Serving"),
        model_run_dir=str(directory / "model_run"),
        working_dir=str(directory / "working"),
        base_model=changes.get("base_model"),
        hyperparameters=changes.get("hyperparameters"),
        custom_config={
            "dataset": transformed.dataset.for_model(),
            "model": model,
            "train": train,
            "checkpoint_dir": str(directory / "checkpoints"),
            "csv": {"delimiter": ";"},
            "code_hash": changes.get("code_hash", "0"),
        },
    )

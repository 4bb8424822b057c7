"""A data frame taken through tf.Transform, as the Transform component would do it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import apache_beam as beam
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
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tf_example_record

from models.dataset import Dataset
from models.preprocessing import preprocessing_fn


@dataclasses.dataclass(frozen=True)
class Transformed:
    """What Trainer gets: paths as strings, since run_fn sees no others."""

    dataset: Dataset
    graph: str
    train_files: str
    schema_path: str
    examples: list[bytes]  # the raw rows

    @property
    def output(self) -> tft.TFTransformOutput:
        return tft.TFTransformOutput(self.graph)


def to_examples(frame: pd.DataFrame) -> list[bytes]:
    """Rows as serialized tf.Example; a missing value has no feature, as ExampleGen writes it."""
    return [_to_example(row) for row in frame.to_dict("records")]


def _to_example(row: dict) -> bytes:
    features = {}
    for name, value in row.items():
        if value is None or value != value:
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
        present = [v for v in frame[name] if v is not None and v == v]
        kind = {str: "BYTES", int: "INT", float: "FLOAT"}[type(present[0]) if present else float]
        feature = schema.feature.add(name=name, type=schema_pb2.FeatureType.Value(kind))
        feature.value_count.min = feature.value_count.max = 1
    return schema


def transform(dataset: Dataset, frame: pd.DataFrame, directory: Path) -> Transformed:
    schema = make_schema(frame)
    examples = to_examples(frame)
    tfxio = tf_example_record.TFExampleBeamRecord(
        physical_format="memory", schema=schema, telemetry_descriptors=["test"]
    )
    encoder = example_coder.RecordBatchToExamplesEncoder()
    graph, rows = directory / "graph", directory / "transformed"
    rows.mkdir(parents=True)
    (directory / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    with (
        beam.Pipeline(options=PipelineOptions(runner="FnApiRunner")) as pipeline,
        tft_beam.Context(str(directory / "temp")),
    ):
        raw = pipeline | beam.Create(examples, reshuffle=False) | tfxio.BeamSource()
        (transformed, _), transform_fn = (
            raw,
            tfxio.TensorAdapterConfig(),
        ) | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, {"dataset": dataset.for_model()}),
            output_record_batches=True,
        )
        _ = transform_fn | tft_beam.WriteTransformFn(str(graph))
        _ = (
            transformed
            | beam.FlatMap(lambda batch: encoder.encode(batch[0]))
            | beam.io.WriteToTFRecord(str(rows / "train"), file_name_suffix=".gz")
        )
    metadata_io.write_metadata(DatasetMetadata(schema), str(graph / "metadata"))
    return Transformed(
        dataset=dataset,
        graph=str(graph),
        train_files=str(rows / "*"),
        schema_path=str(directory / "schema.pbtxt"),
        examples=examples,
    )

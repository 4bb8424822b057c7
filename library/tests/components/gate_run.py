"""Rows, and what ExampleValidator and the data gate make of them."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_validator import executor as example_validator
from tfx.types import artifact_utils, standard_artifacts

from tfxkit.components.data_gate.component import DataGateExecutor

# A label and its feature, for rows of anything.
DATASET = {
    "task": "binary",
    "label": {"column": "y"},
    "columns": {"x": {"role": "numeric"}},
}
ARROW = {schema_pb2.BYTES: pa.large_binary(), schema_pb2.INT: pa.int64()}


def read_schema(path):
    return text_format.Parse(path.read_text(), schema_pb2.Schema())


def statistics(frame, schema):
    """Statistics of the rows as ExampleGen writes them, typed by the schema."""
    types = {feature.name: feature.type for feature in schema.feature}
    arrays = []
    for name, values in frame.items():
        kind = types.get(name, schema_pb2.FLOAT)
        if pd.api.types.is_string_dtype(values) and kind != schema_pb2.BYTES:
            kind = schema_pb2.BYTES  # a wrong type in the data
        cast = {schema_pb2.BYTES: lambda v: str(v).encode(), schema_pb2.INT: int}.get(kind, float)
        lists = [None if pd.isna(value) else [cast(value)] for value in values]
        arrays.append(pa.array(lists, pa.large_list(ARROW.get(kind, pa.float32()))))
    batch = pa.RecordBatch.from_arrays(arrays, list(frame.columns))
    return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())


def write_statistics(folder, splits, schema):
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(sorted(splits))
    for split, frame in splits.items():
        path = folder / f"Split-{split}/FeatureStats.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(statistics(frame, schema).SerializeToString())
    return artifact


def write_examples(folder, splits, schema):
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(sorted(splits))
    types = {feature.name: feature.type for feature in schema.feature}
    for split, frame in splits.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        path = folder / f"Split-{split}/data_tfrecord-00000-of-00001.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for row in frame.to_dict("records"):
                writer.write(_example(row, types).SerializeToString())
    return artifact


def _example(row, types):
    example = tf.train.Example()
    for name, value in row.items():
        if not pd.isna(value):
            feature = example.features.feature[name]
            match types.get(name, schema_pb2.FLOAT):
                case schema_pb2.BYTES:
                    feature.bytes_list.value.append(str(value).encode())
                case schema_pb2.INT if not isinstance(value, str):
                    feature.int64_list.value.append(int(value))
                case schema_pb2.FLOAT if not isinstance(value, str):
                    feature.float_list.value.append(value)
    return example


def run_gate(folder, rows, baseline, validation, schema, *, dataset=DATASET):
    """Runs ExampleValidator and the gate, and returns the gate's report.

    Args:
        folder: An empty one, for artifacts.
        rows: Of the split train, or by split.
        baseline: Rows that the served model was trained on; None without one.
        validation: The bounds.
        schema: The schema.
        dataset: Label and features.
    """
    splits = rows if isinstance(rows, dict) else {"train": rows}
    inputs = {"statistics": [write_statistics(folder / "statistics", splits, schema)]}
    inputs["schema"] = [standard_artifacts.Schema()]
    inputs["schema"][0].uri = str(folder / "schema")
    (folder / "schema").mkdir()
    (folder / "schema/schema.pbtxt").write_text(text_format.MessageToString(schema))
    anomalies = standard_artifacts.ExampleAnomalies()
    anomalies.uri = str(folder / "anomalies")
    example_validator.Executor().Do(inputs, {"anomalies": [anomalies]}, {})
    inputs["anomalies"] = [anomalies]
    if baseline is None:
        absent = standard_artifacts.ExampleStatistics()
        absent.set_int_custom_property("tfx_absent", 1)
        absent.set_string_custom_property("reason", "Nothing is served yet.")
        inputs["baseline_statistics"] = [absent]
    else:
        before = write_statistics(folder / "baseline", {"train": baseline}, schema)
        inputs["baseline_statistics"] = [before]
    inputs["examples"] = [write_examples(folder / "examples", splits, schema)]
    findings = standard_artifacts.JsonValue()
    findings.uri = str(folder / "findings")
    properties = {"validation": validation.model_dump_json(), "dataset": json.dumps(dataset)}
    DataGateExecutor().Do(inputs, {"findings": [findings]}, properties)
    return json.loads((folder / "findings").read_text())

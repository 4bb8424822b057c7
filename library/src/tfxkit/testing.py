"""Helpers for a project's own tests: its configurations, steps, rows, features and network.

    config = load_overlay("fast")
    rows = sample_rows(config)
    features = learn_features(preprocessing_fn, rows, config, tmp_path)
    assert features(rows)["fare_per_mile"].max() <= 1

Everything heavy is imported inside the functions, so that pytest collects tests in no time.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxkit.config.loading import (
    BASE,
    DATASET,
    SCHEMA_FILE,
    Config,
    ConfigError,
    data_path,
    default_config_dir,
    load,
)
from tfxkit.errors import DataError
from tfxkit.kubeflow import TARGETS

if TYPE_CHECKING:
    import keras
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import tensorflow as tf
    import tensorflow_transform as tft
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.dsl.components.base.base_node import BaseNode

    from tfxkit.features.model_inputs import Feature
    from tfxkit.report.model_card import ModelCard
    from tfxkit.training.job import TrainingJob
    from tfxkit.values.reading import Reading

__all__ = [
    "LearnedFeatures",
    "build_dag",
    "configured_backends",
    "learn_features",
    "load_model_card",
    "load_overlay",
    "overlays",
    "package_problems",
    "random_batch",
    "sample_rows",
    "training_job",
]

ROWS = 200
_NO_OVERLAYS = (BASE, DATASET, "model_card")


def overlays(config_dir: Path | None = None) -> list[str]:
    """Names of the overlays in a folder of configurations, in alphabetical order.

    Args:
        config_dir: The folder; by default that of the project.
    """
    files = (config_dir or default_config_dir()).glob("*.yaml")
    return sorted(file.stem for file in files if file.stem not in _NO_OVERLAYS)


def load_overlay(name: str, config_dir: Path | None = None) -> Config:
    """Configuration of an overlay, checked against schema, code and metrics.

    An overlay that does not load on its own, such as settings of a single step on a backend, is
    laid over the first other overlay with which it does.

    Args:
        name: Name of the overlay.
        config_dir: The folder of configurations; by default that of the project.

    Raises:
        ConfigError: If it does not load, or does not fit; the message is that without a second
            overlay.
    """
    from tfxkit.runs.validation import check_description

    folder = config_dir or default_config_dir()
    config = _load(name, folder)
    check_description(config, folder)
    return config


def _load(name: str, folder: Path) -> Config:
    try:
        return load(folder, [name])
    except ConfigError:
        for below in overlays(folder):
            try:
                return load(folder, [below, name])
            except ConfigError:
                continue
        raise


def load_model_card(config_dir: Path | None = None) -> ModelCard | None:
    """The model card in a folder of configurations; None if there is none.

    Args:
        config_dir: The folder; by default that of the project.

    Raises:
        ValueError: If the file is not valid YAML, or has unknown keys.
    """
    from tfxkit.report.model_card import read_model_card

    return read_model_card(config_dir or default_config_dir())


def build_dag(config: Config, config_dir: Path | None = None) -> list[BaseNode]:
    """Steps of the pipeline in an order in which they can run; nothing is run.

    Args:
        config: The configuration.
        config_dir: Its folder, with the schema; by default that of the project.

    Raises:
        ConfigError: If the DAG cannot be built.
    """
    from tfx.orchestration import pipeline

    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    schema = str((config_dir or default_config_dir()) / SCHEMA_FILE)
    places = Places("gs://data", schema, "gs://serving", "gs://checkpoints", "gs://bulk")
    steps = build_components(config, places)
    return list(pipeline.Pipeline(config.pipeline, "gs://root", components=steps).components)


def configured_backends(config: Config) -> list[str]:
    """Those of `kubeflow` and `vertex` that have a section in the configuration."""
    return [backend for backend in TARGETS if getattr(config, backend)]


def package_problems(config: Config, backend: str, config_dir: Path | None = None) -> list[str]:
    """Everything that a backend would refuse, or ignore, in the compiled pipeline.

    Args:
        config: The configuration, with a section for the backend.
        backend: `kubeflow` or `vertex`.
        config_dir: Its folder, with the schema; by default that of the project.

    Raises:
        ConfigError: If the pipeline cannot be compiled.
        UsageError: If the packages of the backend are not installed.
    """
    from tfxkit.extras import require_extra
    from tfxkit.kubeflow.checks import find_problems

    require_extra(backend, "Compiling")
    runner = importlib.import_module(f"tfxkit.kubeflow.runners.{backend}")
    return find_problems(
        runner.compile_package(config, config_dir or default_config_dir()), backend
    )


def sample_rows(config: Config, count: int = ROWS, config_dir: Path | None = None) -> pd.DataFrame:
    """Rows of the project's data, read and typed as ExampleGen does it.

    Args:
        config: Names the data, the spans and the reader.
        count: Maximum number of rows, taken at equal distances from the first ones of a file.
        config_dir: Folder of the configuration, with the schema; by default that of the project.

    Returns:
        The columns of the schema: whole numbers (`Int64`), float32 and text, missing where the
        data has no value. Rows that a run leaves out for want of a label are left out.

    Raises:
        DataError: If the data cannot be read, or has no rows.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from tfxkit.components.example_gen.columns import Required

    folder = config_dir or default_config_dir()
    with_label = Required(config.dataset.required_columns())
    for batch in map(with_label, _batches(config, folder)):
        if batch.num_rows:
            break
    else:
        raise DataError(f"{config.data.path} has no rows to test with.")
    places = np.linspace(0, batch.num_rows - 1, min(count, batch.num_rows)).astype(int)
    table = pa.table({name: _as_text(batch.column(name)) for name in batch.schema.names})
    return table.take(places).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def _batches(config: Config, folder: Path) -> Iterator[pa.RecordBatch]:
    """Batches of the data, the newest span first."""
    from tfxkit.components.example_gen import spans, tables
    from tfxkit.components.example_gen.reader import Reader
    from tfxkit.values.reading import Reading

    reading = Reading.of(_schema(folder), config.data.csv, config.data.columns)
    path = data_path(config, folder)
    wanted = spans.range_config(config.data.spans)
    if config.data.reader:
        reader = Reader(config.data.reader, path, config.data.reader_options)
        for span in sorted(reader.select(wanted), reverse=True):
            yield from reader.open(span, reading)
    else:
        for file in reversed(spans.select(path, wanted).files):
            yield from tables.read_batches(file, reading, config.data.csv)


def _schema(folder: Path) -> schema_pb2.Schema:
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.utils import io_utils

    return io_utils.parse_pbtxt_file(str(folder / SCHEMA_FILE), schema_pb2.Schema())


def _as_text(column: pa.Array) -> pa.Array:
    """Bytes as text, unless they are no UTF-8; other columns as they are."""
    import pyarrow as pa

    if not pa.types.is_binary(column.type):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return column


@dataclasses.dataclass(frozen=True)
class LearnedFeatures:
    """Features that a `preprocessing_fn` has learned, to be computed for any rows.

    Attributes:
        graph: Folder of the Transform graph.
        reading: Reading of the columns of the schema.
        inputs: Inputs of the network, as `build_model` gets them.
        columns: Raw columns that the features are made from.
    """

    graph: Path
    reading: Reading
    inputs: list[Feature]
    columns: tuple[str, ...]

    def __call__(self, rows: pd.DataFrame) -> dict[str, np.ndarray]:
        """Computes the features as training and serving do.

        Args:
            rows: Raw rows. A column that is not there is missing in each row; columns that no
                feature is made from, such as the label's, are not read.

        Returns:
            By name: float32 or int64, [rows] or [rows, length].
        """
        import tensorflow as tf

        from tfxkit.features.label import LABEL_KEY

        spec = self._output.raw_feature_spec()
        needed = rows[[name for name in rows.columns if name in self.columns]]
        examples = tf.constant(_encode(needed, self.reading))
        columns = tf.io.parse_example(examples, {name: spec[name] for name in self.columns})
        computed = self._layer(columns)
        return {name: value.numpy() for name, value in computed.items() if name != LABEL_KEY}

    @functools.cached_property
    def _output(self) -> tft.TFTransformOutput:
        import tensorflow_transform as tft

        return tft.TFTransformOutput(str(self.graph))

    @functools.cached_property
    def _layer(self) -> tf.keras.layers.Layer:
        return self._output.transform_features_layer()


def learn_features(
    preprocessing_fn: Callable[..., Any],
    rows: pd.DataFrame,
    config: Config,
    folder: Path,
    config_dir: Path | None = None,
) -> LearnedFeatures:
    """Learns the features from some rows, as Transform does from those of a run.

    Args:
        preprocessing_fn: The project's function, from `models/features.py`.
        rows: Raw rows with the label's columns, such as those of `sample_rows`.
        config: The configuration.
        folder: Folder for the Transform graph, such as pytest's `tmp_path`.
        config_dir: Folder of the configuration, with the schema; by default that of the project.

    Raises:
        DataError: If a column does not have the type that its role takes.
        ModelError: If a feature cannot be made.
    """
    import apache_beam as beam
    import tensorflow_transform as tft
    from apache_beam.options.pipeline_options import PipelineOptions
    from tensorflow_transform import beam as tft_beam
    from tensorflow_transform.tf_metadata import metadata_io
    from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
    from tfx_bsl.tfxio import tf_example_record

    from tfxkit.features.model_inputs import model_columns, model_features
    from tfxkit.values.reading import Reading

    schema, graph = _schema(config_dir or default_config_dir()), folder / "transform_graph"
    reading = Reading.of(schema, config.data.csv, config.data.columns)
    custom_config = {"dataset": config.dataset.for_model()}
    source = tf_example_record.TFExampleBeamRecord(
        physical_format="memory", schema=schema, telemetry_descriptors=["tfxkit.testing"]
    )
    with (
        beam.Pipeline(options=PipelineOptions([], runner="FnApiRunner")) as pipeline,
        tft_beam.Context(str(folder / "temporary")),
    ):
        examples = pipeline | beam.Create(_encode(rows, reading), reshuffle=False)
        transform = (examples | source.BeamSource(), source.TensorAdapterConfig()) | (
            tft_beam.AnalyzeDataset(lambda inputs: preprocessing_fn(inputs, custom_config))
        )
        _ = transform | tft_beam.WriteTransformFn(str(graph))
    metadata_io.write_metadata(DatasetMetadata(schema), str(graph / "metadata"))
    output = tft.TFTransformOutput(str(graph))
    return LearnedFeatures(graph, reading, model_features(output), model_columns(output))


def _encode(rows: pd.DataFrame, reading: Reading) -> list[bytes]:
    """Rows as serialized `tf.Example`s."""
    import pyarrow as pa

    from tfxkit.components.example_gen.encoding import encode_batch
    from tfxkit.values.columns import read_column

    columns = {
        name: read_column(pa.array(rows[name], from_pandas=True), reading.columns[name], reading)
        for name in rows.columns
        if name in reading.columns
    }
    if not columns:
        return [b""] * len(rows)
    batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    return encode_batch(batch).to_pylist()


def training_job(features: LearnedFeatures, config: Config) -> TrainingJob:
    """A job as Trainer orders it, without rows: for `create_model` in `models/training.py`.

    Args:
        features: Become the inputs of the network.
        config: Description of the data, and settings of network and training.
    """
    from tfx.components.trainer.fn_args_utils import FnArgs

    from tfxkit.training.job import TrainingJob

    custom_config = {
        "dataset": config.dataset.for_model(),
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
    }
    graph = str(features.graph)
    return TrainingJob.begin(FnArgs(transform_graph_path=graph, custom_config=custom_config))


def random_batch(
    job: TrainingJob, network: keras.Model
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Random values for the inputs of a network, and random labels: the same ones each time.

    Args:
        job: Has the features and the task.
        network: Takes some or all of the features.

    Returns:
        Values by the name of the input, and labels, [rows, 1].
    """
    import numpy as np

    from tfxkit.config.dataset import Task
    from tfxkit.training.building import input_names, random_rows

    dataset, random = job.config.dataset, np.random.default_rng(1)
    values = random_rows(job.features)
    shape = (len(next(iter(values.values()))), 1)
    labels = {
        Task.BINARY: lambda: random.integers(0, 2, shape),
        Task.MULTICLASS: lambda: random.integers(0, len(dataset.label.classes), shape),
        Task.REGRESSION: lambda: random.normal(size=shape),
    }[dataset.task]()
    return {name: values[name] for name in input_names(network, job.features)}, labels

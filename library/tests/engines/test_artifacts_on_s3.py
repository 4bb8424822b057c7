"""Artifacts on S3: the workers of an engine read and write the store, and nothing else is shared.

Of the steps that run Beam, Transform, Evaluator and BulkInferrer cannot: they save and load models,
and TensorFlow itself opens no s3:// (docs/scale.md).
"""

from __future__ import annotations

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components import StatisticsGen
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.utils import io_utils

from tests.engines import artifacts
from tests.engines.conftest import RunOnEngine
from tfxkit.components.example_gen.component import SpanExampleGen
from tfxkit.config import loading as config
from tfxkit.storage.filesystems import fileio

pytestmark = pytest.mark.engines


def test_examples_and_statistics(flink, s3, tmp_path, project):
    io_utils.copy_dir(str(project.root / "data" / "taxi"), f"{s3}/taxi")
    settings = ["beam.engine=flink", *RunOnEngine(project, "flink", flink).settings()]
    found = config.load(project.configs, ["fast"], settings)
    schema = text_format.Parse((project.configs / "schema.pbtxt").read_text(), schema_pb2.Schema())
    example_gen = SpanExampleGen(f"{s3}/taxi", schema, "all", found.data.splits)
    LocalDagRunner().run(
        pipeline.Pipeline(
            pipeline_name="on-s3",
            pipeline_root=f"{s3}/artifacts",
            components=[example_gen, StatisticsGen(examples=example_gen.outputs["examples"])],
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(tmp_path / "metadata.sqlite")
            ),
            beam_pipeline_args=found.beam.pipeline_args(),
        )
    )

    expected = artifacts.newest(project, "ExampleGen", "examples")
    [uri] = fileio.glob(f"{s3}/artifacts/ExampleGen/examples/*")
    for file in sorted(expected.rglob("*.gz")):
        target = tmp_path / file.name
        io_utils.copy_file(f"{uri}/{file.relative_to(expected)}", str(target), overwrite=True)
        assert artifacts.rows(target) == artifacts.rows(file)
    [uri] = fileio.glob(f"{s3}/artifacts/StatisticsGen/statistics/*")
    for split in ("train", "eval"):
        target = tmp_path / f"{split}.pb"
        io_utils.copy_file(f"{uri}/Split-{split}/FeatureStats.pb", str(target))
        here = artifacts.statistics(project, split)
        artifacts.assert_alike(here, tfdv.load_stats_binary(str(target)).datasets[0])

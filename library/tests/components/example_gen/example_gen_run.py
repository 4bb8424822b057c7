"""SpanExampleGen as a step of a pipeline, and what it wrote."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tfx.components import StatisticsGen
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from tfxkit.components.example_gen.component import SpanExampleGen

SPLITS = {"train": 2, "eval": 1}


class Runner:
    """Runs the step, and StatisticsGen after it, on LocalDagRunner with a cache."""

    def __init__(self, root: Path, schema):
        self.root, self.schema = root, schema
        self.data = root / "data"
        self.store = metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite"))

    def run(self, spans="all", splits=SPLITS, statistics=False, name="test", **options):
        example_gen = SpanExampleGen(str(self.data), self.schema, spans, splits, **options)
        nodes = [example_gen]
        if statistics:
            nodes.append(StatisticsGen(examples=example_gen.outputs["examples"]))
        LocalDagRunner().run(
            pipeline.Pipeline(
                pipeline_name=name,
                pipeline_root=str(self.root / name),
                components=nodes,
                enable_cache=True,
                metadata_connection_config=self.store,
                beam_pipeline_args=["--runner=FnApiRunner"],
            )
        )

    def states(self):
        with metadata.Metadata(self.store) as handle:
            executions = sorted(handle.store.get_executions(), key=lambda e: e.id)
            return [type(e).State.Name(e.last_known_state) for e in executions]

    def artifacts(self, kind="Examples"):
        with metadata.Metadata(self.store) as handle:
            return sorted(handle.store.get_artifacts_by_type(kind), key=lambda a: a.id)

    def newest(self):
        """Split -> the serialized examples of the newest artifact, in the order of the files."""
        uri = Path(self.artifacts()[-1].uri)
        return {
            folder.name.removeprefix("Split-"): [
                record.numpy()
                for path in sorted(folder.iterdir())
                for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP")
            ]
            for folder in sorted(uri.glob("Split-*"))
        }


def values(examples, name):
    """The values of a feature, None where it is missing."""
    found = []
    for example in map(tf.train.Example.FromString, examples):
        feature = example.features.feature.get(name)
        kind = feature and feature.WhichOneof("kind")
        found.append(getattr(feature, kind).value[0] if kind else None)
    return found

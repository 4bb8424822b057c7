"""The whole pipeline on one page: which component feeds which, the same for every runner."""

from __future__ import annotations

import dataclasses

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components import (
    BulkInferrer,
    ExampleValidator,
    StatisticsGen,
    Trainer,
    Transform,
    Tuner,
)
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.proto import bulk_inferrer_pb2, trainer_pb2
from tfx.utils import io_utils

from components.baseline import Baseline
from components.data_gate import DataGate
from components.evaluator import Evaluator, eval_config
from components.example_gen.component import SpanExampleGen
from components.pusher import VersionPusher
from components.serving_check import ServingCheck
from pipeline.config import Config
from tfxkit.storage.code_hash import code_hash

# What a step does outside of its artifacts, the cache cannot see: a version that was taken away
# from the serving folder must come back. Pushing again what is served already costs nothing.
NEVER_CACHED = ("Pusher",)


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a runner wants the pipeline to read and write; local paths or gs://, s3:// addresses.

    Attributes:
        data: The folder of `span-<number>` folders; or what the project's own reader takes.
        schema: The schema file. Its path must change with its content (see `ImportSchemaGen`).
        serving: The folder that versions are pushed to, and that the baseline is read from.
        checkpoints: The folder in which a killed training finds its last epoch again.
        bulk_data: The folder of spans to predict, if that is switched on.
        serving_statistics: The statistics of served requests, if skew is to be measured.
    """

    data: str
    schema: str
    serving: str
    checkpoints: str
    bulk_data: str = ""
    serving_statistics: str | None = None


def create_components(config: Config, places: Places) -> list[BaseNode]:
    """Builds the pipeline's steps, wired. TFX runs them in an order that their wires allow."""
    dataset = config.dataset
    features = dataset.for_model()
    schema = io_utils.parse_pbtxt_file(places.schema, schema_pb2.Schema())

    example_gen = SpanExampleGen(
        input_base=places.data,
        schema=schema,
        spans=config.data.spans,
        splits=config.data.splits,
        csv=config.data.csv,
        required=dataset.required_columns(),
        split_by=config.data.split_by,
        split_at=config.data.split_at,
        reader=config.data.reader,
        reader_options=config.data.reader_options,
    )
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"])
    # Cached by the path of the file, whatever is in it: hence a path that follows the content.
    schema_gen = ImportSchemaGen(schema_file=places.schema)
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    baseline = Baseline(
        schema=schema_gen.outputs["schema"], serving_dir=places.serving, dataset=features
    )
    data_gate = DataGate(
        examples=example_gen.outputs["examples"],
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_gen.outputs["schema"],
        anomalies=example_validator.outputs["anomalies"],
        baseline_statistics=baseline.outputs["statistics"],
        dataset=features,
        validation={
            **dataset.validation.model_dump(mode="json"),
            "serving_statistics": places.serving_statistics,
        },
    )

    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn=f"{config.models_package}.features.preprocessing_fn",
        custom_config={
            "dataset": features,
            "code_hash": code_hash(f"{config.models_package}.features"),
        },
        # Trainer applies the graph as it reads; StatisticsGen has the statistics of the raw data;
        # and nobody reads a cache that no run is given.
        materialize=False,
        disable_statistics=True,
        disable_analyzer_cache=True,
    )
    # Ordered behind the gate, not fed by it: a gate that runs again must not change this cache key.
    transform.add_upstream_node(data_gate)

    learning = {
        "examples": example_gen.outputs["examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "schema": schema_gen.outputs["schema"],
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["eval"]),
    }
    settings = {
        "dataset": features,
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
        "checkpoint_dir": places.checkpoints,
    }
    tuner = None
    if config.tuner.enabled:
        tuner = Tuner(
            **learning,
            tuner_fn=f"{config.models_package}.tuning.tuner_fn",
            custom_config={
                **settings,
                "tuner": config.tuner.model_dump(mode="json"),
                "code_hash": code_hash(f"{config.models_package}.tuning"),
            },
        )
    trainer = Trainer(
        **learning,
        run_fn=f"{config.models_package}.training.run_fn",
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        base_model=baseline.outputs["model"] if config.train.warm_start else None,
        custom_config={
            **settings,
            # For `predict`: the version that is pushed carries it.
            "csv": config.data.csv.model_dump(mode="json"),
            "code_hash": code_hash(f"{config.models_package}.training"),
        },
    )

    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        schema=schema_gen.outputs["schema"],
        eval_config=eval_config(dataset),
        evaluation=dataset.evaluation,
        example_splits=["eval"],
    )
    serving_check = ServingCheck(
        model=trainer.outputs["model"],
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        rebuild_fn=f"{config.models_package}.training.rebuild",
        split="eval",
        num_examples=config.serving_check.examples,
        timeout_s=config.serving_check.timeout_s,
        memory_mb=config.serving_check.memory_mb,
        latency_ms=config.serving_check.latency_ms,
        size_mb=config.serving_check.size_mb,
        strip_features=sorted(dataset.label_sources()),
    )
    pusher = VersionPusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        examples=example_gen.outputs["examples"],
        statistics=statistics_gen.outputs["statistics"],
        serving_dir=places.serving,
    )

    steps = [example_gen, statistics_gen, schema_gen, example_validator, baseline, data_gate]
    steps += [transform, *([tuner] if tuner else []), trainer]
    steps += [evaluator, serving_check, pusher]
    if config.bulk_inferrer.enabled:
        unlabelled = SpanExampleGen(
            input_base=places.bulk_data,
            schema=schema,
            spans="all",
            splits={"unlabelled": 1},
            csv=config.data.csv,
        )
        steps += _bulk_inference(unlabelled, trainer, evaluator, pusher)
    return steps


def _bulk_inference(
    unlabelled: SpanExampleGen, trainer: Trainer, evaluator: Evaluator, pusher: VersionPusher
) -> list[BaseNode]:
    """Predictions of the new model, if it is blessed, for data without labels."""
    unlabelled.with_id("UnlabelledExampleGen")
    bulk_inferrer = BulkInferrer(
        examples=unlabelled.outputs["examples"],
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        data_spec=bulk_inferrer_pb2.DataSpec(),
        model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=["serving_default"]),
    )
    bulk_inferrer.add_upstream_node(pusher)  # first what is served, then what is nice to have
    return [unlabelled, bulk_inferrer]

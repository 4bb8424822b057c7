"""The whole pipeline on one page: which component feeds which, the same for every runner.

This file is yours to change. To add a step, build the step and add it to the list at the end. To
remove a step that is marked as optional, delete its block and every other line that names the step.
docs/extending.md shows both.
"""

from __future__ import annotations

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
from tfxkit.components.evaluator import eval_config
from tfxkit.config.loading import Config
from tfxkit.runs.places import Places

from tests.sample.components import (
    Announce,
    Baseline,
    DataGate,
    Evaluator,
    ServingCheck,
    SpanExampleGen,
    VersionPusher,
)


def create_components(config: Config, places: Places) -> list[BaseNode]:
    """Builds and wires the steps of the pipeline; this function is yours.

    The connections between steps determine their order. The runner hashes the project's code behind
    each step, so a step runs again after an edit of its code.

    Args:
        config: The merged configuration: `configs/`, overlays and `--set`.
        places: Folders and addresses that the runner reads from and writes to.
    """
    dataset = config.dataset
    features = dataset.for_model()
    schema = io_utils.parse_pbtxt_file(places.schema, schema_pb2.Schema())

    # Reads the files of each span, takes column types from the schema, and splits the rows.
    example_gen = SpanExampleGen(
        input_base=places.data,
        schema=schema,
        spans=config.data.spans,
        splits=config.data.splits,
        csv=config.data.csv,
        columns=config.data.columns,
        required=dataset.required_columns(),
        split_by=config.data.split_by,
        split_at=config.data.split_at,
        reader=config.data.reader,
        reader_options=config.data.reader_options,
    )

    # Counts and histograms of each column, for the data checks, the report and the next baseline.
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"])

    # The reviewed schema, configs/schema.pbtxt, as an artifact. The cache key of this step is the
    # path of the file, so the runner passes a path that changes with the content.
    schema_gen = ImportSchemaGen(schema_file=places.schema)

    # Optional: compares the statistics with the schema, and lists the anomalies.
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )

    # Optional: the served model, with the statistics of its data. Without Baseline, drift is not
    # checked, models are not compared, and there is no warm start.
    baseline = Baseline(
        schema=schema_gen.outputs["schema"], serving_dir=places.serving, dataset=features
    )

    # Optional: stops the run on anomalies, and on drift from the data of the served model.
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

    # Computes the features of models/features.py. Quantiles, vocabularies and the like are learned
    # from the training rows here, and become part of the model.
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="tests.sample.models.features.preprocessing_fn",
        custom_config={"dataset": features},
        # Trainer applies the graph while reading rows, StatisticsGen computes the statistics, and
        # there is no analyzer cache of an earlier run.
        materialize=False,
        disable_statistics=True,
        disable_analyzer_cache=True,
    )
    # Ordered after the gate without an input from it: the cache key stays when the gate runs again.
    transform.add_upstream_node(data_gate)

    # Inputs and settings that Tuner and Trainer share.
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
    # Optional: searches the space of models/tuning.py, if tuner.enabled is set.
    tuner = None
    if config.tuner.enabled:
        tuner = Tuner(
            **learning,
            tuner_fn="tests.sample.models.tuning.tuner_fn",
            custom_config={**settings, "tuner": config.tuner.model_dump(mode="json")},
        )

    # Trains the network with models/training.py, and exports it with the Transform graph inside.
    trainer = Trainer(
        **learning,
        run_fn="tests.sample.models.training.run_fn",
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        base_model=baseline.outputs["model"] if config.train.warm_start else None,
        custom_config={
            **settings,
            # Stored in the pushed version, so that `predict` reads files in the same way.
            "csv": config.data.csv.model_dump(mode="json"),
        },
    )

    # Measures the model overall and by slice. Blesses a model that meets its thresholds and is no
    # worse than the baseline.
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        schema=schema_gen.outputs["schema"],
        eval_config=eval_config(dataset),
        evaluation=dataset.evaluation,
        example_splits=["eval"],
    )

    # Optional: loads the model in a fresh process and sends it real requests. Blesses the model if
    # its predictions match the training code's, within the limits of time and memory.
    serving_check = ServingCheck(
        model=trainer.outputs["model"],
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        rebuild_fn="tests.sample.models.training.rebuild",
        split="eval",
        num_examples=config.serving_check.examples,
        timeout_s=config.serving_check.timeout_s,
        memory_mb=config.serving_check.memory_mb,
        latency_ms=config.serving_check.latency_ms,
        size_mb=config.serving_check.size_mb,
        strip_features=sorted(dataset.label_sources()),
    )

    # Pushes a model that every check above has blessed, as a new version in the serving folder.
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

    # Optional: announces a push or a refusal, if steps.announce names a webhook or a file.
    if config.steps.announce.webhook or config.steps.announce.file:
        announce = Announce(
            pushed_model=pusher.outputs["pushed_model"],
            evaluation=evaluator.outputs["evaluation"],
            serving_blessing=serving_check.outputs["blessing"],
            pipeline=config.pipeline,
            run_id=places.run_id,
            **config.steps.announce.model_dump(),
        )
        steps.append(announce)

    # Optional: predicts for rows without labels, if bulk_inferrer.enabled is set. One step reads
    # the rows, a second step writes the predictions as an artifact of the run.
    if config.bulk_inferrer.enabled:
        unlabelled = SpanExampleGen(
            input_base=places.bulk_data,
            schema=schema,
            spans="all",
            splits={"unlabelled": 1},
            csv=config.data.csv,
            columns=config.data.columns,
        )
        steps += _bulk_inference(unlabelled, trainer, evaluator, pusher)
    return steps


def _bulk_inference(
    unlabelled: SpanExampleGen, trainer: Trainer, evaluator: Evaluator, pusher: VersionPusher
) -> list[BaseNode]:
    """Predictions of the new model for rows without labels, if the model is blessed."""
    unlabelled.with_id("UnlabelledExampleGen")
    bulk_inferrer = BulkInferrer(
        examples=unlabelled.outputs["examples"],
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        data_spec=bulk_inferrer_pb2.DataSpec(),
        model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=["serving_default"]),
    )
    bulk_inferrer.add_upstream_node(pusher)  # serving comes first
    return [unlabelled, bulk_inferrer]

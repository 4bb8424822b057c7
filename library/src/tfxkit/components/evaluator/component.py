"""TFX's Evaluator, which also runs without a baseline and has thresholds for slices."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import components as tfx_components
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, channel
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, path_utils, proto_utils

from tfxkit.components.evaluator.config import METRICS_MODULE, sampled_metrics
from tfxkit.components.evaluator.evaluation import (
    EvaluationResult,
    apply_thresholds,
    load_metrics,
    measure_gaps,
    write_evaluation,
)
from tfxkit.config.dataset import Dataset, Evaluation
from tfxkit.evaluation import EXAMPLE_COUNT, Check, Metrics
from tfxkit.features.label import TYPES, count_values, describe_unknown
from tfxkit.metrics import catalogue
from tfxkit.metrics.functions import MOST_ROWS
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import is_absent, rows_by_split, split_files
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash, source_of

Artifacts = dict[str, list[types.Artifact]]


class EvaluatorExecutor(tfx_executor.Executor):
    """Runs TFX's Evaluator, applies the thresholds, and writes result and blessing."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the evaluation and the blessing."""
        evaluation = Evaluation.model_validate_json(exec_properties["evaluation"])
        # TFX takes any artifact for a baseline and would load a model from the placeholder's
        # empty path (tfx 1.21, components/evaluator/executor.py:153).
        inputs = input_dict.get(specs.BASELINE_MODEL_KEY, [])
        baseline = [artifact for artifact in inputs if not is_absent(artifact)]
        # A model that is served already would be measured twice, for the same numbers.
        candidate = artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY])
        is_same = [_fingerprint(model) for model in baseline] == [_fingerprint(candidate)]
        compared = [] if is_same else baseline
        super().Do({**input_dict, specs.BASELINE_MODEL_KEY: compared}, output_dict, exec_properties)

        uri = artifact_utils.get_single_uri(output_dict[specs.EVALUATION_KEY])
        measured = load_metrics(uri)
        if is_same:
            measured = dataclasses.replace(
                measured,
                baseline_metrics=measured.metrics,
                baseline_slices={each.slice: each.metrics for each in measured.slices},
            )
        checks = (
            *apply_thresholds(evaluation, measured),
            *_label_check(input_dict, exec_properties, candidate, measured.metrics),
        )
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties[specs.EVAL_CONFIG_KEY], config)
        is_large = (measured.metrics.get(EXAMPLE_COUNT) or 0) > MOST_ROWS
        result = EvaluationResult(
            metrics=measured.metrics,
            baseline_metrics=measured.baseline_metrics,
            slices=measured.slices,
            gaps=measure_gaps(evaluation, measured),
            sampled=dict.fromkeys(sampled_metrics(config) if is_large else [], MOST_ROWS),
            checks=checks,
            blessed=all(check.passed for check in checks),
        )
        write_evaluation(result, uri)
        _bless(artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY]), result.blessed)


class Evaluator(tfx_components.Evaluator):
    """Measures a model on raw examples and compares it with the served one.

    Outputs:
        evaluation: `ModelEvaluation` with TFMA's files and `evaluation.RESULT_FILE`.
        blessing: `ModelBlessing`; blessed if all thresholds of value, change, worst slice and gap
            hold. Without any threshold, no model is blessed.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(EvaluatorExecutor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        model: channel.BaseChannel,
        schema: channel.BaseChannel,
        eval_config: config_pb2.EvalConfig,
        evaluation: Evaluation,
        baseline_model: channel.BaseChannel | None = None,
        example_splits: list[str] | None = None,
    ) -> None:
        """Constructs the component.

        Args:
            examples: Raw `Examples`.
            model: The candidate, with the signatures `serving_default` and `transform_features`.
            schema: The `Schema` of the examples.
            eval_config: Metrics and slices, see `tfxkit.components.evaluator.config`.
            evaluation: `Dataset.evaluation`, with the thresholds for the blessing.
            baseline_model: Model to compare with. Without it, or with `tfx_absent=1`, thresholds of
                change are not applied.
            example_splits: Splits to measure on; `eval` by default.
        """
        super().__init__(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            schema=schema,
            eval_config=eval_config,
            example_splits=example_splits,
            module_path=METRICS_MODULE,
        )
        # After the constructor, since TFX's spec has no such parameters.
        self.spec.exec_properties["evaluation"] = evaluation.model_dump_json()
        code = code_hash("tfxkit.components.evaluator", *_metric_modules(evaluation))
        self.spec.exec_properties["code_hash"] = code


def _metric_modules(evaluation: Evaluation) -> set[str]:
    """Modules of metrics that only the configuration names, except TFMA's and Keras' own."""
    metrics = evaluation.metrics.values()
    functions = {metric.function.rpartition(".")[0] for metric in metrics if metric.function}
    classes = {metric.module for metric in metrics if metric.module}
    own = {module for module in classes if module.partition(".")[0] not in catalogue.LIBRARIES}
    return functions | {module for module in own if source_of(module)}  # none if compiled


def _fingerprint(model: types.Artifact) -> str:
    """Fingerprint of a model, or its address if it has none."""
    folder = path_utils.serving_model_path(model.uri)
    if not fileio.exists(os.path.join(folder, served_model.FINGERPRINT)):
        return model.uri
    return served_model.fingerprint(folder)


def _label_check(
    input_dict: Artifacts,
    exec_properties: Mapping[str, Any],
    candidate: types.Artifact,
    metrics: Metrics,
) -> Iterator[Check]:
    """Yields a failed check if rows were left out of the metrics for their unknown labels.

    Rows are read again only if some were left out.
    """
    config = served_model.read_json(
        path_utils.serving_model_path(candidate.uri), served_model.CONFIG
    )
    if config is None or not (known := Dataset.model_validate(config["dataset"]).label_values()):
        return
    column = config["dataset"]["label"]["column"]
    uri = artifact_utils.get_single_uri(input_dict[specs.EXAMPLES_KEY])
    splits = json.loads(exec_properties.get(specs.EXAMPLE_SPLITS_KEY) or "null") or ["eval"]
    written = rows_by_split(uri) or {}
    rows = sum(written.get(split, 0) for split in splits)
    if written and rows <= (metrics.get(EXAMPLE_COUNT) or 0):
        return
    schema = io_utils.SchemaReader().read(
        os.path.join(artifact_utils.get_single_uri(input_dict[specs.SCHEMA_KEY]), "schema.pbtxt")
    )
    dtype = {feature.name: TYPES.get(feature.type) for feature in schema.feature}.get(column)
    if dtype is None:
        return
    files = [file for split in splits for file in split_files(uri, split)]
    counts = count_values(files, column, dtype)
    if unknown := {value: count for value, count in counts.items() if value not in known}:
        yield Check(
            "label: known values",
            passed=False,
            detail=f"label: {sum(unknown.values()):,} of {counts.total():,} rows have values that "
            f"the model cannot predict: {describe_unknown(unknown, known)}",
        )


def _bless(blessing: types.Artifact, blessed: bool) -> None:
    """Replaces TFX's verdict, which ignores slices and gaps, and is missing without a threshold."""
    for name in (constants.BLESSED_FILE_NAME, constants.NOT_BLESSED_FILE_NAME):
        path = os.path.join(blessing.uri, name)
        if fileio.exists(path):
            fileio.remove(path)
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))

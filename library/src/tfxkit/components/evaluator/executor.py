"""Runs TFX's Evaluator on what is there, and decides about the blessing."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as tfx_executor
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, path_utils, proto_utils

from tfxkit.components.evaluator.config import sampled_metrics
from tfxkit.components.evaluator.evaluation import EvaluationResult, check, gaps, load, write
from tfxkit.config.bounds import Evaluation
from tfxkit.evaluation import EXAMPLE_COUNT
from tfxkit.metrics.functions import MOST_ROWS
from tfxkit.storage import placeholders, served_model
from tfxkit.storage.filesystems import fileio

Artifacts = dict[str, list[types.Artifact]]


class Executor(tfx_executor.Executor):
    """See `tfxkit.components.evaluator.component.Evaluator`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Measures, writes the result and the blessing."""
        evaluation = Evaluation.model_validate_json(exec_properties["evaluation"])
        # TFX takes any artifact for a baseline and would load a model from the placeholder's
        # empty path (tfx 1.21, components/evaluator/executor.py:153).
        baseline = input_dict.get(specs.BASELINE_MODEL_KEY, [])
        there = [artifact for artifact in baseline if not placeholders.is_absent(artifact)]
        # A model that is served already would be measured twice, for the same numbers.
        candidate = artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY])
        is_same = [_fingerprint(one) for one in there] == [_fingerprint(candidate)]
        compared = [] if is_same else there
        super().Do({**input_dict, specs.BASELINE_MODEL_KEY: compared}, output_dict, exec_properties)

        uri = artifact_utils.get_single_uri(output_dict[specs.EVALUATION_KEY])
        measured = load(uri)
        if is_same:
            measured = dataclasses.replace(
                measured,
                baseline_metrics=measured.metrics,
                baseline_slices={one.slice: one.metrics for one in measured.slices},
            )
        checks = check(evaluation, measured)
        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(exec_properties[specs.EVAL_CONFIG_KEY], config)
        is_large = (measured.metrics.get(EXAMPLE_COUNT) or 0) > MOST_ROWS
        result = EvaluationResult(
            metrics=measured.metrics,
            baseline_metrics=measured.baseline_metrics,
            slices=measured.slices,
            gaps=gaps(evaluation, measured),
            sampled=dict.fromkeys(sampled_metrics(config) if is_large else [], MOST_ROWS),
            checks=checks,
            blessed=all(one.passed for one in checks),
        )
        write(result, uri)
        _bless(artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY]), result.blessed)


def _fingerprint(model: types.Artifact) -> str:
    """What makes two models the same; the place of a model that does not say."""
    folder = path_utils.serving_model_path(model.uri)
    if not fileio.exists(os.path.join(folder, served_model.FINGERPRINT)):
        return model.uri
    return served_model.fingerprint(folder)


def _bless(blessing: types.Artifact, blessed: bool) -> None:
    """Replaces TFX's verdict, which knows no worst slice, and is missing without a threshold."""
    for name in (constants.BLESSED_FILE_NAME, constants.NOT_BLESSED_FILE_NAME):
        path = os.path.join(blessing.uri, name)
        if fileio.exists(path):
            fileio.remove(path)
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))

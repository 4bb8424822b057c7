"""TFX's Evaluator, which also runs without a baseline and holds the worst slice to a threshold."""

from __future__ import annotations

from tensorflow_model_analysis.proto import config_pb2
from tfx import components as tfx_components
from tfx.dsl.components.base import executor_spec
from tfx.types import channel

from tfxkit.components.evaluator.executor import Executor
from tfxkit.config.bounds import Evaluation
from tfxkit.metrics import catalogue
from tfxkit.storage.code_hash import code_hash, source_of


class Evaluator(tfx_components.Evaluator):
    """Measures a model on raw examples and compares it with what is served.

    Outputs:
        evaluation: `ModelEvaluation`: TFMA's files and `evaluation.FILE`.
        blessing: `ModelBlessing`; blessed if all thresholds of value, change and worst slice
            hold. A model without any threshold is not blessed.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

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
            eval_config: What is measured, see `tfxkit.components.evaluator.config`.
            evaluation: `Dataset.evaluation`, with the thresholds that decide about the blessing.
            baseline_model: The model to compare with. Without it, or where it has `tfx_absent=1`,
                thresholds of change are not applied.
            example_splits: The splits to measure on; `eval` if not given.
        """
        super().__init__(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            schema=schema,
            eval_config=eval_config,
            example_splits=example_splits,
            module_path="tfxkit.components.evaluator.extractors",
        )
        # Added after the constructor: TFX's spec has no such parameters.
        self.spec.exec_properties["evaluation"] = evaluation.model_dump_json()
        code = code_hash("tfxkit.components.evaluator", *_metric_modules(evaluation))
        self.spec.exec_properties["code_hash"] = code


def _metric_modules(evaluation: Evaluation) -> set[str]:
    """Modules of metrics that only the configuration names, except TFMA's and Keras' own."""
    functions = {
        one.function.rpartition(".")[0] for one in evaluation.metrics.values() if one.function
    }
    classes = {one.module for one in evaluation.metrics.values() if one.module}
    own = {one for one in classes if one.partition(".")[0] not in catalogue.LIBRARIES}
    return functions | {one for one in own if source_of(one)}  # a compiled one has no source

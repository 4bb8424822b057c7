"""The Report component. Runs on this machine write their page themselves, and have no such step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import artifact, channel, component_spec, standard_artifacts

from tfxkit.config.loading import Config
from tfxkit.kubeflow.artifact_types import TITLE
from tfxkit.kubeflow.report_step.executor import Executor
from tfxkit.report.model_card import MODEL_CARD_FILE
from tfxkit.report.origin import mask_secrets
from tfxkit.storage.code_hash import code_hash

PAGE = "page"
# Input -> step, output and type. A DAG without one of the steps has a page without what it says.
READS = {
    "examples": ("ExampleGen", "examples", standard_artifacts.Examples),
    "statistics": ("StatisticsGen", "statistics", standard_artifacts.ExampleStatistics),
    "schema": ("ImportSchemaGen", "schema", standard_artifacts.Schema),
    "anomalies": ("ExampleValidator", "anomalies", standard_artifacts.ExampleAnomalies),
    "baseline_model": ("Baseline", "model", standard_artifacts.Model),
    "baseline_statistics": ("Baseline", "statistics", standard_artifacts.ExampleStatistics),
    "findings": ("DataGate", "findings", standard_artifacts.JsonValue),
    "transform_graph": ("Transform", "transform_graph", standard_artifacts.TransformGraph),
    "model": ("Trainer", "model", standard_artifacts.Model),
    "model_evaluation": ("Evaluator", "evaluation", standard_artifacts.ModelEvaluation),
    "serving_blessing": ("ServingCheck", "blessing", standard_artifacts.InfraBlessing),
    "pushed_model": ("Pusher", "pushed_model", standard_artifacts.PushedModel),
}


class HTML(artifact.Artifact):
    """A page, as both Kubeflow and Vertex AI name it: their UIs show artifacts of this type."""

    TYPE_NAME = TITLE


class ReportSpec(component_spec.ComponentSpec):
    """What goes in and what comes out."""

    PARAMETERS: ClassVar = {
        "config": component_spec.ExecutionParameter(type=str),
        "evaluation": component_spec.ExecutionParameter(type=str),
        "validation": component_spec.ExecutionParameter(type=str),
        "model_card": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        name: component_spec.ChannelParameter(type=kind, optional=True)
        for name, (_, _, kind) in READS.items()
    }
    OUTPUTS: ClassVar = {PAGE: component_spec.ChannelParameter(type=HTML)}


class Report(base_component.BaseComponent):
    """Writes what a run's artifacts say about it as a page, whether or not a model was pushed.

    It reads what other steps wrote, so a run that stopped before its end has none: there the log
    of the step that stopped it says why.

    Outputs:
        page: `HTML`, one file whose name ends with .html.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, components: Iterable[BaseNode], config: Config, config_dir: Path) -> None:
        """Constructs the component.

        Args:
            components: The steps of the pipeline.
            config: What it is made from; secrets are masked before it travels.
            config_dir: The folder with the model card, if there is one.
        """
        # Not the folder on this machine: the same configuration makes the same package anywhere.
        shown: dict[str, Any] = mask_secrets(config.model_dump(mode="json", exclude={"outputs"}))
        card = config_dir / MODEL_CARD_FILE
        # Parameters of a run may replace keys of these two: see `tfxkit.kubeflow.parameters`.
        evaluation, validation = (shown["dataset"].pop(key) for key in ("evaluation", "validation"))
        super().__init__(
            ReportSpec(
                **dict(_inputs(components)),
                config=json.dumps(shown),
                evaluation=json.dumps(evaluation),
                validation=json.dumps(validation),
                model_card=card.read_text(encoding="utf-8") if card.exists() else "",
                code_hash=code_hash("tfxkit.kubeflow.report_step.executor"),
                page=channel.Channel(type=HTML),
            )
        )


def _inputs(components: Iterable[BaseNode]) -> Iterator[tuple[str, channel.BaseChannel]]:
    steps = {component.id: component for component in components}
    for name, (step, key, kind) in READS.items():
        output = steps[step].outputs.get(key) if step in steps else None
        if output is not None and output.type is kind:
            yield name, output

"""The last step on a cluster: the report of the run as an artifact that the backend's UI shows.

Runs on this machine write their page themselves, and have no such step.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from markupsafe import escape
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import artifact_utils, channel, component_spec, standard_artifacts

from tfxkit.config.dataset import Dataset
from tfxkit.config.loading import Config
from tfxkit.kubeflow.artifact_types import PAGE_TITLE
from tfxkit.kubeflow.messages import run_id_of
from tfxkit.report.model_card import MODEL_CARD_FILE
from tfxkit.report.origin import mask_secrets
from tfxkit.report.page import SECTIONS, render_report
from tfxkit.report.run import Run
from tfxkit.runs import results
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import EXIT_CODES, State, Step, Summary
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash

logger = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]
# Input -> step, output and type. Without one of the steps, the page lacks its part.
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
_PAGE = "page"
# The page of the backend has the steps themselves.
_LEFT_OUT = ("steps",)


class HTML(types.Artifact):
    """A page, by its name on Kubeflow and Vertex AI: their UIs show artifacts of this type."""

    TYPE_NAME = PAGE_TITLE


class ReportExecutor(base_executor.BaseExecutor):
    """Executor of `Report`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the page."""
        page = artifact_utils.get_single_instance(output_dict[_PAGE])
        run_id = run_id_of(page.uri)
        page.uri = f"{page.uri}.html"  # stores and UIs take the type from the suffix
        try:
            with tempfile.TemporaryDirectory() as folder:
                run = _run(Path(folder), run_id, input_dict, exec_properties)
                sections = [section for section in SECTIONS if section.key not in _LEFT_OUT]
                text = render_report(run, sections)
        except Exception as error:  # a page that fails must not fail the run, which is over
            logger.exception("No report could be made")
            reason = escape(f"{type(error).__name__}: {error}")
            text = (
                f"<!DOCTYPE html>\n<title>No report</title>\n<p>No report could be made: {reason}"
            )
        fileio.makedirs(os.path.dirname(page.uri))
        with fileio.open(page.uri, "w") as file:
            file.write(text)
        logger.info("The report of the run is %s", page.uri)


class ReportSpec(component_spec.ComponentSpec):
    """Parameters, inputs and output of `Report`."""

    PARAMETERS: ClassVar = {
        "config": component_spec.ExecutionParameter(type=str),
        "evaluation": component_spec.ExecutionParameter(type=str),
        "validation": component_spec.ExecutionParameter(type=str),
        "model_card": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        name: component_spec.ChannelParameter(type=artifact_type, optional=True)
        for name, (_, _, artifact_type) in READS.items()
    }
    OUTPUTS: ClassVar = {_PAGE: component_spec.ChannelParameter(type=HTML)}


class Report(base_component.BaseComponent):
    """Writes the page of a run from its artifacts, with or without a pushed model.

    It reads the outputs of other steps, so a run that stopped before its end has no page; the log
    of the step that stopped it has the reason.

    Outputs:
        page: `HTML`, one file whose name ends with .html.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ReportExecutor)

    def __init__(self, components: Iterable[BaseNode], config: Config, config_dir: Path) -> None:
        """Constructs the component.

        Args:
            components: The steps of the pipeline.
            config: Their configuration; secrets are masked before it travels.
            config_dir: The folder with the model card, which is optional.
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
                code_hash=code_hash(__name__),
                page=channel.Channel(type=HTML),
            )
        )


def _inputs(components: Iterable[BaseNode]) -> Iterator[tuple[str, channel.BaseChannel]]:
    steps = {component.id: component for component in components}
    for name, (step, key, artifact_type) in READS.items():
        output = steps[step].outputs.get(key) if step in steps else None
        if output is not None and output.type is artifact_type:
            yield name, output


def _run(folder: Path, run_id: str, inputs: Artifacts, properties: dict[str, Any]) -> Run:
    """The run for the report; artifacts in a store that only TensorFlow opens are copied."""
    artifacts: dict[str, dict[str, Artifact]] = {}
    for name, (step, key, _) in READS.items():
        if not inputs.get(name):
            continue
        artifact = artifact_utils.get_single_instance(inputs[name])
        uri = _local(artifact.uri, folder / "artifacts" / step / key)
        artifacts.setdefault(step, {})[key] = Artifact(
            artifact.id, artifact.type_name, uri, _properties(artifact)
        )
    config = json.loads(properties["config"])
    for key in ("evaluation", "validation"):
        config["dataset"][key] = json.loads(properties[key])
    configs, run_dir = folder / "configs", folder / "runs" / run_id
    for directory in (configs, run_dir):
        directory.mkdir(parents=True)
    if properties["model_card"]:
        (configs / MODEL_CARD_FILE).write_text(properties["model_card"], encoding="utf-8")
    fields = results.collect(artifacts)
    status = results.verdict(fields)
    summary = Summary(
        run_id=run_id,
        pipeline=config["pipeline"],
        status=status,
        exit_code=EXIT_CODES[status],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,  # unknown here
        pid=os.getpid(),
        steps=tuple(Step(name=step, state=State.RUN, seconds=0.0) for step in artifacts),
        versions=results.versions(),
        arguments={"config_dir": str(configs)},
        config=config,
        **fields,
    )
    return Run(
        run_dir=run_dir,
        outputs=Outputs(folder),
        summary=summary,
        dataset=Dataset.model_validate(config["dataset"]),
        steps={},
        artifacts=artifacts,
    )


def _properties(artifact: types.Artifact) -> dict[str, Any]:
    proto = artifact.mlmd_artifact
    return {
        **{name: getattr(artifact, name) for name in proto.properties},
        **{name: _custom_property(artifact, name) for name in proto.custom_properties},
    }


def _custom_property(artifact: types.Artifact, name: str) -> Any:
    """Not `get_custom_property`, which returns None for a 0 (tfx 1.21, types/artifact.py:753)."""
    value = artifact.mlmd_artifact.custom_properties[name]
    if value.HasField("struct_value"):
        return artifact.get_json_value_custom_property(name)
    return getattr(value, value.WhichOneof("value"))


def _local(uri: str, target: Path) -> str:
    """A folder or file that plain Python can open; on Kubeflow the launcher has mirrored it."""
    if "://" not in uri:
        return uri
    if not fileio.isdir(uri):
        target.parent.mkdir(parents=True, exist_ok=True)
        fileio.copy(uri, str(target))
        return str(target)
    for parent, _, names in fileio.walk(uri):
        own = target / os.path.relpath(os.fsdecode(parent), uri)
        own.mkdir(parents=True, exist_ok=True)
        for name in names:
            fileio.copy(os.path.join(parent, name), str(own / os.fsdecode(name)))
    return str(target)

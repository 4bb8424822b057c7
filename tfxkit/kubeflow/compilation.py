"""From the DAG to a PipelineSpec that both Kubeflow and Vertex AI understand.

TFX compiles; what it leaves out is put in: the pipeline root (which it loses when it writes YAML),
the parameters of a run, the schema, and a hash of the code that the steps are to run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration import pipeline

# Not from tfx.v1, where the name is missing on Python 3.12 and newer (tfx 1.21, setup.py, [kfp]).
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from tfxkit.config.loading import SCHEMA_FILE, ConfigError
from tfxkit.config.remote.settings import KubeflowSettings, RemoteConfig, VertexSettings
from tfxkit.kubeflow import artifact_types, carried
from tfxkit.kubeflow.parameters import add_parameters, parameters_of
from tfxkit.kubeflow.report_step import Report
from tfxkit.runs.dag_building import build_components
from tfxkit.runs.places import Places

COMMAND = ("python", "-m", "tfxkit.kubeflow.entrypoint")
# Both backends put the id of the run in its place (Kubeflow: kubeflow/pipelines 2.17.0,
# backend/src/v2/driver/resolve.go:435), where it is the whole value of a parameter.
RUN_ID = "{{$.pipeline_job_uuid}}"


@dataclasses.dataclass(frozen=True)
class CompiledDag:
    """A DAG as the backends read it, and the components that it was compiled from.

    Attributes:
        spec: `ml_pipelines.PipelineSpec` in its JSON form.
        components: Those of `pipeline/dag.py`; the step of the report is not among them.
    """

    spec: dict[str, Any]
    components: Sequence[BaseNode]


def compile_dag(
    config: RemoteConfig, section: KubeflowSettings | VertexSettings, config_dir: Path
) -> CompiledDag:
    """Compiles the DAG to schema 2.1; nothing of a single backend is in it yet.

    Args:
        config: What to compile.
        section: Where it is to run; one of `config`'s.
        config_dir: Where it came from; the schema lies there.

    Raises:
        ConfigError: If no pipeline can be built from the configuration.
    """
    schema = config_dir / SCHEMA_FILE
    places = Places(
        data=config.data.path,
        schema=str(schema),
        serving=section.serving,
        checkpoints=section.checkpoints,
        bulk_data=config.bulk_inferrer.path,
        run_id=RUN_ID,
        # Not the serving statistics: they are a parameter of the run, which may have newer ones,
        # and a component that is given them would open the file here.
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=section.image,
            default_commands=list(COMMAND),
            use_pipeline_spec_2_1=True,  # Kubeflow refuses 2.0 (apiserver/template/v2_template.go)
        )
    )
    components = build_components(config, places)
    _tell_beam(components, config.beam.pipeline_args())
    with_report = [*components, Report(components, config, config_dir)]
    try:
        job = runner.run(
            pipeline.Pipeline(config.pipeline, section.pipeline_root, components=with_report),
            write_out=False,
        )
    except (NotImplementedError, TypeError, ValueError) as error:  # a step that only runs locally
        raise ConfigError(f"{config.dag} cannot be compiled for a backend: {error}") from error
    spec: dict[str, Any] = job["pipelineSpec"]
    spec["defaultPipelineRoot"] = section.pipeline_root
    artifact_types.declare_page(spec)
    _carry_schema(spec, schema.read_bytes())
    _carry_code(spec, with_report)
    add_parameters(spec, parameters_of(config, spec))
    return CompiledDag(spec, components)


def containers_of(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The container of each step that has one: TFX's Importer and Resolver run in none."""
    found = {}
    for step, task in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        executor = spec["deploymentSpec"]["executors"][label]
        if "container" in executor:
            found[step] = executor["container"]
    return found


def _tell_beam(components: Sequence[BaseNode], args: list[str]) -> None:
    """Gives Beam's arguments to the steps that run Beam.

    Given to the pipeline, they would be told to all steps (tfx 1.21, orchestration/kubeflow/v2/
    step_builder.py:237), and a backend's cache has the arguments of a step in its key: a training
    would run again because the data steps have another engine.
    """
    for component in components:
        if isinstance(component.executor_spec, BeamExecutorSpec):
            component.executor_spec.add_beam_pipeline_args(args)


def _carry_schema(spec: dict[str, Any], content: bytes) -> None:
    """Lets the schema travel in the package: an image need not be built again when it changes.

    The path changes with the content, as the cache compares the path only (tfx 1.21,
    components/schema_gen/import_schema_gen/component.py).
    """
    path = f"/tmp/schema-{hashlib.sha256(content).hexdigest()[:12]}/{SCHEMA_FILE}"  # noqa: S108
    for step, task in spec["root"]["dag"]["tasks"].items():
        parameters = task["inputs"].get("parameters", {})
        if carried.SCHEMA_PARAMETER in parameters:
            parameters[carried.SCHEMA_PARAMETER] = {"runtimeValue": {"constant": path}}
            _add_env(containers_of(spec)[step], carried.SCHEMA, carried.encode_schema(content))


def _carry_code(spec: dict[str, Any], components: Sequence[BaseNode]) -> None:
    """Hash and classes for the entrypoint; a container with a command of its own has neither."""
    code_hash = carried.project_code_hash()
    containers = containers_of(spec)
    for node in components:
        container = containers.get(node.id, {})
        if container.get("command") != list(COMMAND):
            continue
        _add_env(container, carried.CODE_HASH, code_hash)
        if classes := artifact_types.classes_of(node):
            text = json.dumps(classes, sort_keys=True)
            _add_env(container, artifact_types.CLASSES, text)


def _add_env(container: dict[str, Any], name: str, value: str) -> None:
    container.setdefault("env", []).append({"name": name, "value": value})

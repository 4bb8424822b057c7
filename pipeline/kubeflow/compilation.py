"""From the DAG to a PipelineSpec that both Kubeflow and Vertex AI understand.

TFX compiles; what it leaves out is put in: the pipeline root (which it loses when it writes YAML),
the parameters of a run, the schema, and a hash of the code that the steps are to run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration import pipeline

# Not from tfx.v1, where the name is missing on Python 3.12 and newer (tfx 1.21, setup.py, [kfp]).
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from pipeline import validation
from pipeline.config import SCHEMA_FILE, ConfigError
from pipeline.dag import Places, create_components
from pipeline.kubeflow import carried, html_artifact
from pipeline.kubeflow.parameters import add_parameters, parameters_of
from pipeline.kubeflow.report_step import Report
from pipeline.kubeflow.settings import KubeflowSettings, RemoteConfig, VertexSettings

COMMAND = ("python", "-m", "pipeline.kubeflow.entrypoint")
SCHEMA_STEP = "ImportSchemaGen"


def compile_spec(
    config: RemoteConfig, section: KubeflowSettings | VertexSettings, config_dir: Path
) -> dict[str, Any]:
    """Compiles the DAG to schema 2.1; nothing of a single backend is in it yet.

    Args:
        config: What to compile.
        section: Where it is to run; one of `config`'s.
        config_dir: Where it came from; the schema lies there.

    Returns:
        `ml_pipelines.PipelineSpec` in its JSON form.

    Raises:
        ConfigError: If no pipeline can be built from the configuration.
    """
    validation.check_schema(config, config_dir)
    validation.check_reader(config.data.reader)
    schema = config_dir / SCHEMA_FILE
    places = Places(
        data=config.data.path,
        schema=str(schema),
        serving=section.serving,
        checkpoints=section.checkpoints,
        bulk_data=config.bulk_inferrer.path,
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
    try:
        components = create_components(config, places)
        components.append(Report(components, config, config_dir))
    except ValueError as error:  # a metric that there is not, for example
        raise ConfigError(f"No pipeline can be built from this configuration: {error}") from error
    _tell_beam(components, config.beam.pipeline_args())
    job = runner.run(
        pipeline.Pipeline(config.pipeline, section.pipeline_root, components=components),
        write_out=False,
    )
    spec: dict[str, Any] = job["pipelineSpec"]
    spec["defaultPipelineRoot"] = section.pipeline_root
    html_artifact.declare(spec)
    _carry_schema(spec, schema.read_bytes())
    _carry_code_hash(spec)
    add_parameters(spec, parameters_of(config))
    return spec


def container_of(spec: dict[str, Any], step: str) -> dict[str, Any]:
    """The container that a step runs in."""
    component = spec["root"]["dag"]["tasks"][step]["componentRef"]["name"]
    label = spec["components"][component]["executorLabel"]
    container: dict[str, Any] = spec["deploymentSpec"]["executors"][label]["container"]
    return container


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
    parameters = spec["root"]["dag"]["tasks"][SCHEMA_STEP]["inputs"]["parameters"]
    parameters[carried.SCHEMA_PARAMETER] = {"runtimeValue": {"constant": path}}
    _add_env(spec, SCHEMA_STEP, carried.SCHEMA, carried.encode_schema(content))


def _carry_code_hash(spec: dict[str, Any]) -> None:
    code_hash = carried.project_code_hash()
    for step in spec["root"]["dag"]["tasks"]:
        _add_env(spec, step, carried.CODE_HASH, code_hash)


def _add_env(spec: dict[str, Any], step: str, name: str, value: str) -> None:
    container_of(spec, step).setdefault("env", []).append({"name": name, "value": value})

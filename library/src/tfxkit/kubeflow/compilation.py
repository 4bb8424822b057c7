"""Compiles the DAG to a PipelineSpec that both Kubeflow and Vertex AI accept.

TFX compiles; this module adds what TFX leaves out: the pipeline root (which is lost in YAML), the
parameters of a run, the schema, a hash of the steps' code, and the settings of the steps:
resources, environment, retries, caching. TFX has its own way to set resources
(`with_platform_config`), and ignores it for ExampleGen (tfx 1.21,
orchestration/kubeflow/v2/step_builder.py:565).
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.orchestration import pipeline

# Not from tfx.v1, where the name is missing on Python 3.12 and newer (tfx 1.21, setup.py, [kfp]).
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from tfxkit.config.formats import cores, gigabytes
from tfxkit.config.loading import SCHEMA_FILE, Config, ConfigError
from tfxkit.config.remote import (
    ALL,
    KubeflowSettings,
    KubernetesStep,
    Retries,
    StepSettings,
    VertexSettings,
)
from tfxkit.kubeflow.artifact_types import CLASSES_VARIABLE, classes_of, declare_page
from tfxkit.kubeflow.container import (
    ENTRYPOINT,
    SCHEMA_PARAMETER,
    SCHEMA_VARIABLE,
    code_variables,
    encode_schema,
)
from tfxkit.kubeflow.parameters import add_parameters, parameters_of
from tfxkit.kubeflow.report_step import Report
from tfxkit.runs.dag_building import build_components
from tfxkit.runs.places import Places
from tfxkit.storage import step_cache, step_secrets

COMMAND = ("python", "-m", ENTRYPOINT)
# Both backends put the id of the run in its place (Kubeflow: kubeflow/pipelines 2.17.0,
# backend/src/v2/driver/resolve.go:435), where it is the whole value of a parameter.
RUN_ID = "{{$.pipeline_job_uuid}}"


@dataclasses.dataclass(frozen=True)
class CompiledDag:
    """A compiled DAG, and its components.

    Attributes:
        spec: `ml_pipelines.PipelineSpec` in its JSON form.
        components: Those of `pipeline/dag.py`, without the step of the report.
    """

    spec: dict[str, Any]
    components: Sequence[BaseNode]


def compile_dag(
    config: Config, section: KubeflowSettings | VertexSettings, config_dir: Path
) -> CompiledDag:
    """Compiles the DAG to schema 2.1, without anything that is for a single backend.

    Args:
        config: The configuration.
        section: The backend's section of it.
        config_dir: The folder of the configuration, with the schema.

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
        # and a component with their path would open the file here.
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=section.image,
            default_commands=list(COMMAND),
            use_pipeline_spec_2_1=True,  # Kubeflow refuses 2.0 (apiserver/template/v2_template.go)
        )
    )
    components = build_components(config, places)
    _add_beam_args(components, config.beam.pipeline_args())
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
    declare_page(spec)
    _add_schema(spec, schema.read_bytes())
    _add_code_hash_and_classes(spec, with_report)
    add_parameters(spec, parameters_of(config, spec))
    return CompiledDag(spec, components)


def containers_of(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The container of each step that has one, unlike TFX's Importer and Resolver."""
    containers = {}
    for step, task in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        executor = spec["deploymentSpec"]["executors"][label]
        if "container" in executor:
            containers[step] = executor["container"]
    return containers


def apply_step_settings(
    compiled: CompiledDag, section: KubeflowSettings | VertexSettings, target: str, cache: bool
) -> None:
    """Puts the settings of the steps into a spec.

    Args:
        compiled: Its spec is changed in place.
        section: The backend's section, with the settings.
        target: The section's key.
        cache: False switches caching off for all steps.

    Raises:
        ConfigError: If a step is unknown, is to be cached and cannot be, or lacks the environment
            variable of its secret.
    """
    tasks = compiled.spec["root"]["dag"]["tasks"]
    _check_names(section.steps, tasks, target)
    uncacheable = _uncacheable_steps(compiled)
    _check_cache(section.steps, uncacheable, target)
    _check_secrets(compiled.components, section, target)
    for step, container in containers_of(compiled.spec).items():
        own, task = section.step(step), tasks[step]
        if resources := _resources(own):
            container["resources"] = resources
        for name, value in sorted((own.env or {}).items()):
            _add_env(container, name, value)
        if own.retries:
            task["retryPolicy"] = _retry_policy(own.retries)
        may_cache = cache and own.cache and step not in uncacheable
        task["cachingOptions"] = {"enableCache": True} if may_cache else {}


def _add_beam_args(components: Iterable[BaseNode], args: list[str]) -> None:
    """Gives Beam's arguments to the steps that run Beam.

    As arguments of the pipeline, they would reach all steps (tfx 1.21, orchestration/kubeflow/v2/
    step_builder.py:237), and a backend's cache has the arguments of a step in its key: a training
    would run again because the data steps have another engine.
    """
    for component in components:
        if isinstance(component.executor_spec, BeamExecutorSpec):
            component.executor_spec.add_beam_pipeline_args(args)


def _add_schema(spec: dict[str, Any], content: bytes) -> None:
    """Puts the schema into the package: an image need not be built again when it changes.

    The path changes with the content, as the cache compares the path only (tfx 1.21,
    components/schema_gen/import_schema_gen/component.py).
    """
    path = f"/tmp/schema-{hashlib.sha256(content).hexdigest()[:12]}/{SCHEMA_FILE}"  # noqa: S108
    for step, task in spec["root"]["dag"]["tasks"].items():
        parameters = task["inputs"].get("parameters", {})
        if SCHEMA_PARAMETER in parameters:
            parameters[SCHEMA_PARAMETER] = {"runtimeValue": {"constant": path}}
            _add_env(containers_of(spec)[step], SCHEMA_VARIABLE, encode_schema(content))


def _add_code_hash_and_classes(spec: dict[str, Any], components: Iterable[BaseNode]) -> None:
    """Variables of the entrypoint; a container with its own command gets neither."""
    variables = code_variables()
    containers = containers_of(spec)
    for node in components:
        container = containers.get(node.id, {})
        if container.get("command") != list(COMMAND):
            continue
        for name, value in variables.items():
            _add_env(container, name, value)
        if classes := classes_of(node):
            _add_env(container, CLASSES_VARIABLE, json.dumps(classes, sort_keys=True))


def _add_env(container: dict[str, Any], name: str, value: str) -> None:
    container.setdefault("env", []).append({"name": name, "value": value})


def _check_names(names: Iterable[str], steps: Iterable[str], section: str) -> None:
    """Refuses settings for unknown steps."""
    known = sorted(steps)
    for name in names:
        if name != ALL and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {ALL}, {', '.join(known)}"
            raise ConfigError(f"{section}.steps.{name}: the pipeline has no such step; {hint}")


def _uncacheable_steps(compiled: CompiledDag) -> frozenset[str]:
    """Steps whose result depends on more than their cache key.

    A driver that completes the key runs on this machine only; in place of ExampleGen's, Vertex AI
    starts a program (`lifecycle`), and Kubeflow does not.
    """
    containers = containers_of(compiled.spec)
    hooked = {step for step, container in containers.items() if "lifecycle" in container}
    return frozenset(
        node.id
        for node in compiled.components
        if step_cache.is_never_cached(node)
        or (step_cache.has_driver(node) and node.id not in hooked)
    )


def _check_cache(steps: Mapping[str, StepSettings], uncacheable: Set[str], section: str) -> None:
    """Refuses `cache: true` for an uncacheable step; inherited from `all`, it is left out."""
    cached = {name for name, own in steps.items() if own.cache and "cache" in own.model_fields_set}
    for name in () if ALL in cached else sorted(cached & uncacheable):
        raise ConfigError(
            f"{section}.steps.{name}.cache: {name} cannot be cached, since its cache key does not "
            "show all that its result depends on. Remove the key."
        )


def _check_secrets(
    nodes: Iterable[BaseNode], section: KubeflowSettings | VertexSettings, target: str
) -> None:
    for node in nodes:
        settings = section.step(node.id)
        tables = ("env_from_secrets", "env_from_config_maps")  # a value in `env` is no reference
        referenced = {name for table in tables for name in getattr(settings, table, None) or {}}
        for name in step_secrets.variables(node):
            if name in referenced:
                continue
            if isinstance(settings, KubernetesStep):
                key = f"{target}.steps.{node.id}.env_from_secrets"
                action = f"Name the Secret that holds it: {key}: {{{name}: {{name: …, key: …}}}}"
            else:
                action = "Vertex AI gives a step no secrets: name a file of a bucket, gs://…"
            raise ConfigError(
                f"{node.id} reads a secret from the environment variable {name}, which no setting "
                f"gives it. {action}"
            )


def _resources(settings: StepSettings) -> dict[str, Any]:
    """Both spellings: numbers for Vertex AI and old servers, texts for all other Kubeflows.

    The driver prefers the text (driver/driver.go:175 of kubeflow/pipelines 2.17).
    """
    resources: dict[str, Any] = {}
    for name, amounts, number in (
        ("Cpu", settings.cpu, cores),
        ("Memory", settings.memory, gigabytes),
    ):
        for end in ("request", "limit") if amounts else ():
            if quantity := getattr(amounts, end):
                resources[f"{name.lower()}{end.title()}"] = number(quantity)
                resources[f"resource{name}{end.title()}"] = quantity
    if settings.accelerator:
        accelerator, count = settings.accelerator.type, str(settings.accelerator.count)
        resources["accelerator"] = {
            "type": accelerator,
            "count": count,
            "resourceType": accelerator,
            "resourceCount": count,
        }
    return resources


def _retry_policy(retries: Retries) -> dict[str, Any]:
    """All four fields: without the last, Kubeflow gives Argo 0 s, and nothing is ever retried.

    See getTaskRetryParameters in argocompiler/container.go of kubeflow/pipelines 2.17, and
    processNodeRetries in workflow/controller/operator.go of argo-workflows 4.0: `maxDuration` runs
    from the start of the first attempt. The factor is a whole number there.
    """
    return {
        "maxRetryCount": retries.count,
        "backoffDuration": f"{retries.delay_s}s",
        "backoffFactor": float(retries.factor),
        "backoffMaxDuration": f"{retries.give_up_after_s}s",
    }

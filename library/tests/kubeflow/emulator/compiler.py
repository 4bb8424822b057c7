"""The compiler: a package and parameters become a workflow of Argo, or are refused.

Stands for compiler/visitor.go, compiler/argocompiler/ and, in `argo_names`, for what Argo says of
the result. Nothing before this looks at executors, so an upload passes and the run is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import argo_names, kubernetes_config, parameters, protojson
from tests.kubeflow.emulator.errors import NotEmulated, plain_error, prefixed, wrapped
from tests.kubeflow.emulator.package import Package

Executor = pipeline_spec_pb2.PipelineDeploymentConfig.ExecutorSpec


@dataclass(frozen=True)
class Task:
    """A task of the root DAG, with all that is needed to run it."""

    name: str
    spec: pipeline_spec_pb2.PipelineTaskSpec
    component: pipeline_spec_pb2.ComponentSpec
    executor: Executor
    kubernetes: kubernetes_config.KubernetesConfig
    dependencies: tuple[str, ...]

    @property
    def is_importer(self) -> bool:
        return self.executor.WhichOneof("spec") == "importer"


@dataclass(frozen=True)
class Workflow:
    """Input of Argo.

    Attributes:
        pipeline_name: The pipeline's name.
        tasks: By name.
        parameters: The root's, with defaults.
        ignored_labels: Executor labels of the platform spec that are none of the package; the
            backend ignores their settings without a word.
    """

    pipeline_name: str
    tasks: Mapping[str, Task]
    parameters: Mapping[str, Value]
    ignored_labels: tuple[str, ...]


def compile_workflow(package: Package, given: Mapping[str, Value]) -> Workflow:
    """Checks the values, compiles, and lets Argo check the result (resource_manager.go:669).

    Raises:
        BackendError: The backend refuses to run this.
        NotEmulated: It would run it, but this emulator cannot.
    """
    with wrapped("Failed to generate the ExecutionSpec"):
        workflow = compile_unchecked(package, given)
    argo_names.check(workflow.pipeline_name, workflow.tasks)
    return workflow


def compile_unchecked(package: Package, given: Mapping[str, Value]) -> Workflow:
    """Checks the values and compiles (apiserver/template/v2_template.go:373-399).

    Raises:
        BackendError: The backend refuses to run this.
        NotEmulated: It would run it, but this emulator cannot.
    """
    with wrapped("invalid pipeline job inputs"):
        parameters.check_given(package.spec, given)
    with wrapped("Failed to compile job"):
        return _compile(package, given)


def _compile(package: Package, given: Mapping[str, Value]) -> Workflow:
    spec = package.spec
    deployment = _deployment(spec)
    platform = {}
    if package.platform is not None:
        platform = package.platform.platforms["kubernetes"].deployment_spec.executors
    dag = spec.root.dag
    components = {}
    for name in sorted(dag.tasks):
        component = _component(spec, dag.tasks[name])
        _check_executor(dag.tasks[name].component_ref.name, component, deployment)
        components[name] = component
    if not dag.tasks:
        raise plain_error('compiling DAG "root": DAG root must contain one or more non-exit tasks')
    tasks = {}
    with prefixed('compiling DAG "root"'):
        dependencies = {name: _dependencies(dag, name) for name in sorted(dag.tasks)}
        for name, component in components.items():
            executor = deployment.executors[component.executor_label]
            settings = platform.get(component.executor_label)
            with prefixed(f'compiling task "{name}"'):
                tasks[name] = Task(
                    name=name,
                    spec=dag.tasks[name],
                    component=component,
                    executor=executor,
                    kubernetes=kubernetes_config.parse(name, settings),
                    dependencies=dependencies[name],
                )
                _check_task(tasks[name])
    labels = tuple(sorted(set(platform) - set(deployment.executors)))
    values = parameters.with_defaults(spec, given)
    return Workflow(spec.pipeline_info.name, tasks, values, labels)


def _deployment(
    spec: pipeline_spec_pb2.PipelineSpec,
) -> pipeline_spec_pb2.PipelineDeploymentConfig:
    """The executors, of which a field too many is no error (visitor.go:176)."""
    try:
        return protojson.from_object_leniently(
            protojson.to_object(spec.deployment_spec), pipeline_spec_pb2.PipelineDeploymentConfig()
        )
    except protojson.InvalidJson as error:
        raise plain_error(f"proto: {error}") from error


def _component(
    spec: pipeline_spec_pb2.PipelineSpec, task: pipeline_spec_pb2.PipelineTaskSpec
) -> pipeline_spec_pb2.ComponentSpec:
    """The component of a task (visitor.go:155-162)."""
    reference = task.component_ref.name
    with prefixed('error processing component name="root"'):
        if not reference:
            raise plain_error(f'component ref name is empty for task name="{task.task_info.name}"')
        if reference not in spec.components:
            raise plain_error(f'cannot find component ref name="{reference}"')
    return spec.components[reference]


def _check_executor(
    name: str,
    component: pipeline_spec_pb2.ComponentSpec,
    deployment: pipeline_spec_pb2.PipelineDeploymentConfig,
) -> None:
    """Only containers and importers run (visitor.go:105-138)."""
    if component.HasField("dag"):
        raise NotEmulated(f"component {name} is a DAG within the DAG")
    with prefixed(f'error processing component name="{name}"'):
        label = component.executor_label
        if not label:
            raise plain_error("unknown component implementation")
        if label not in deployment.executors:
            raise plain_error(f'executor(label="{label}") not found in deployment config')
        if deployment.executors[label].WhichOneof("spec") not in ("container", "importer"):
            raise plain_error(
                f'executor(label="{label}"): non-container and non-importer executor not '
                "implemented"
            )


def _dependencies(dag: pipeline_spec_pb2.DagSpec, name: str) -> tuple[str, ...]:
    """The tasks that must succeed first: named, and implied by inputs (dag.go:659)."""
    task = dag.tasks[name]
    producers = [
        source.task_output_parameter.producer_task
        for source in task.inputs.parameters.values()
        if source.WhichOneof("kind") == "task_output_parameter"
    ]
    producers += [
        source.task_output_artifact.producer_task
        for source in task.inputs.artifacts.values()
        if source.WhichOneof("kind") == "task_output_artifact"
    ]
    for producer in producers:
        if producer not in dag.tasks:
            raise plain_error(
                f'failed to add implicit deps: unknown producer task "{producer}" in DAG'
            )
    return tuple(dict.fromkeys([*task.dependent_tasks, *producers]))


def _check_task(task: Task) -> None:
    spec = task.spec
    if spec.WhichOneof("iterator"):
        raise NotEmulated(f"{task.name}: a loop")
    if task.is_importer and spec.trigger_policy.condition:  # dag.go:341
        raise plain_error("triggerPolicy.condition on importer task is not supported")
    if spec.trigger_policy.condition:
        raise NotEmulated(f"{task.name}: a condition: {spec.trigger_policy.condition}")
    if spec.trigger_policy.strategy > 1:
        raise NotEmulated(f"{task.name}: an exit handler")

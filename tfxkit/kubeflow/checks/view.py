"""A package as the rules look at it: its messages parsed, its tasks in one list."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

ROOT = "root"
PRESENTATION = "@type"  # what a google.protobuf.Any is written with; backends skip it


@dataclasses.dataclass(frozen=True)
class Dag:
    """A component that consists of tasks; the one named `root` is the pipeline itself."""

    name: str
    component: pb.ComponentSpec

    @property
    def tasks(self) -> Mapping[str, pb.PipelineTaskSpec]:
        """The tasks by name."""
        return self.component.dag.tasks


@dataclasses.dataclass(frozen=True)
class Task:
    """A task with what its references lead to; None where they lead nowhere."""

    name: str
    spec: pb.PipelineTaskSpec
    dag: Dag
    component: pb.ComponentSpec | None
    executor: pb.PipelineDeploymentConfig.ExecutorSpec | None

    @property
    def container(self) -> pb.PipelineDeploymentConfig.PipelineContainerSpec | None:
        """The container that runs the task, if one does."""
        if self.executor is None or self.executor.WhichOneof("spec") != "container":
            return None
        return self.executor.container

    def arguments(self) -> list[str]:
        """Command and arguments of the container."""
        return [*self.container.command, *self.container.args] if self.container else []

    def values(self) -> dict[str, struct_pb2.Value]:
        """The values of its parameters that are known: constants, and defaults of the DAG."""
        defaults = self.dag.component.input_definitions.parameters
        found = {}
        for name, parameter in sorted(self.spec.inputs.parameters.items()):
            source = parameter.component_input_parameter
            if source in defaults and defaults[source].HasField("default_value"):
                found[name] = defaults[source].default_value
            elif parameter.runtime_value.HasField("constant"):
                found[name] = parameter.runtime_value.constant
        return found


@dataclasses.dataclass(frozen=True)
class View:
    """What the rules look at.

    Attributes:
        target: `kubeflow` or `vertex`.
        raw_platform: The platform document as it stands in the file, if there is one.
        spec: The pipeline spec.
        deployment: Its deployment spec, which is a free form inside it.
        tasks: The tasks of the root and of all DAGs below it.
        given: Names of runtime parameters that the submission will give values for.
    """

    target: str
    raw_platform: Mapping[str, Any] | None
    spec: pb.PipelineSpec
    deployment: pb.PipelineDeploymentConfig
    tasks: tuple[Task, ...]
    given: frozenset[str]

    def dags(self) -> dict[str, Dag]:
        """All DAGs that have tasks, by name."""
        return {task.dag.name: task.dag for task in self.tasks}

    def of(self, dag: Dag) -> dict[str, Task]:
        """The tasks of one DAG by name."""
        return {task.name: task for task in self.tasks if task.dag.name == dag.name}

    def platform_settings(self) -> dict[str, Any]:
        """What the platform document has for each executor label, if it has the form for that."""
        tree: Any = self.raw_platform
        for key in ("platforms", "kubernetes", "deploymentSpec", "executors"):
            tree = tree.get(key) if isinstance(tree, dict) else None
        return {key: one or {} for key, one in tree.items()} if isinstance(tree, dict) else {}


def parse(raw: Mapping[str, Any]) -> tuple[pb.PipelineSpec, pb.PipelineDeploymentConfig]:
    """A spec, and the deployment spec in it.

    Raises:
        google.protobuf.json_format.ParseError: If it is none.
    """
    spec = json_format.ParseDict(dict(raw), pb.PipelineSpec())
    deployment = json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec),
        pb.PipelineDeploymentConfig(),
        ignore_unknown_fields=True,  # `documents.unread_deployment_fields` reports them
    )
    return spec, deployment


def read(
    raw: Mapping[str, Any],
    raw_platform: Mapping[str, Any] | None,
    target: str,
    given: Collection[str] = (),
) -> View:
    """Parses a spec that `documents.unreadable` has nothing against."""
    spec, deployment = parse(raw)
    tasks = tuple(_tasks(spec, deployment, Dag(ROOT, spec.root), set()))
    return View(target, raw_platform, spec, deployment, tasks, frozenset(given))


def _tasks(
    spec: pb.PipelineSpec, deployment: pb.PipelineDeploymentConfig, dag: Dag, seen: set[str]
) -> Iterator[Task]:
    """The tasks of a DAG and of those below it; each DAG once, as the backend visits them."""
    seen.add(dag.name)
    for name, task in sorted(dag.tasks.items()):
        reference = task.component_ref.name
        component = spec.components.get(reference)
        label = component.executor_label if component else ""
        executor = deployment.executors.get(label)
        yield Task(name, task, dag, component, executor)
        if component and component.HasField("dag") and reference not in seen:
            yield from _tasks(spec, deployment, Dag(reference, component), seen)

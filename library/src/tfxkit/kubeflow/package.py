"""A compiled pipeline: its file, and a parsed view of it.

The file holds the pipeline's spec and, for Kubeflow, the platform document.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.errors import UsageError

ROOT = "root"
_MOST_DOCUMENTS = 2


@dataclasses.dataclass(frozen=True)
class Package:
    """Documents of a compiled pipeline.

    Attributes:
        spec: `ml_pipelines.PipelineSpec`, schema 2.1, in its JSON form.
        platform: `ml_pipelines.PlatformSpec`, for Kubernetes only; None for Vertex, whose client
            refuses a second document.
        warnings: Sentences for whoever compiles, without a full stop; not in the file.
    """

    spec: dict[str, Any]
    platform: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.spec["pipelineInfo"]["name"]


class _Dumper(yaml.SafeDumper):
    """Writes repeated values in full: not every reader of a package follows YAML's references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# Texts that need quotes: PyYAML (YAML 1.1) reads them as texts without quotes, and the backend's
# reader in Go (YAML 1.2) as numbers (gopkg.in/yaml.v3, resolve.go).
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+|[-+]?0o[0-7]+"),
    list("-+.0123456789"),
)


def to_yaml(package: Package) -> str:
    """Text of the file; equal packages have equal texts."""
    documents = [package.spec, *([package.platform] if package.platform is not None else [])]
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=2**20)


def write_package(package: Package, path: Path) -> None:
    """Writes the file, as a whole or not at all.

    Raises:
        UsageError: If the file cannot be written.
    """
    if not path.name or path.is_dir():
        raise UsageError(f"Cannot write {path}: it is a folder; name a file in it")
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(to_yaml(package), encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}") from None


def read_package(path: Path) -> Package:
    """Reads a package of any origin; its content is checked by `tfxkit.kubeflow.checks`.

    Raises:
        UsageError: If the file is no package.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid YAML:\n  {error}") from None
    documents = [document for document in documents if document is not None]
    spec, platform = (*documents, None, None)[:2]
    is_spec = isinstance(spec, dict) and not spec.keys().isdisjoint(
        ("pipelineInfo", "pipelineSpec")
    )
    if not is_spec or not isinstance(platform, dict | None) or len(documents) > _MOST_DOCUMENTS:
        raise UsageError(
            f"{path} is not a compiled pipeline: a PipelineSpec and, at most, a PlatformSpec after "
            "it. python -m pipeline compile writes one"
        )
    return Package(spec, platform)


@dataclasses.dataclass(frozen=True)
class PackageDag:
    """A component that consists of tasks; the one named `root` is the pipeline itself."""

    name: str
    component: pb.ComponentSpec

    @property
    def tasks(self) -> Mapping[str, pb.PipelineTaskSpec]:
        """The tasks by name."""
        return self.component.dag.tasks


@dataclasses.dataclass(frozen=True)
class PackageTask:
    """A task and the targets of its references; None for a reference without a target."""

    name: str
    spec: pb.PipelineTaskSpec
    dag: PackageDag
    component: pb.ComponentSpec | None
    executor: pb.PipelineDeploymentConfig.ExecutorSpec | None

    @property
    def container(self) -> pb.PipelineDeploymentConfig.PipelineContainerSpec | None:
        """The container that runs the task; None for a task without one."""
        if self.executor is None or self.executor.WhichOneof("spec") != "container":
            return None
        return self.executor.container

    def arguments(self) -> list[str]:
        """Command and arguments of the container."""
        return [*self.container.command, *self.container.args] if self.container else []

    def values(self) -> dict[str, struct_pb2.Value]:
        """Known values of its parameters: constants, and defaults of the DAG."""
        defaults = self.dag.component.input_definitions.parameters
        values = {}
        for name, parameter in sorted(self.spec.inputs.parameters.items()):
            source = parameter.component_input_parameter
            if source in defaults and defaults[source].HasField("default_value"):
                values[name] = defaults[source].default_value
            elif parameter.runtime_value.HasField("constant"):
                values[name] = parameter.runtime_value.constant
        return values


@dataclasses.dataclass(frozen=True)
class PackageView:
    """A parsed package, for rules and look-ups.

    Attributes:
        target: `kubeflow` or `vertex`.
        raw_platform: The platform document as it stands in the file; None without one.
        spec: The pipeline spec.
        deployment: Its deployment spec, which is a free form inside it.
        tasks: The tasks of the root and of all DAGs below it.
        supplied: Names of runtime parameters whose values the submission supplies.
    """

    target: str
    raw_platform: Mapping[str, Any] | None
    spec: pb.PipelineSpec
    deployment: pb.PipelineDeploymentConfig
    tasks: tuple[PackageTask, ...]
    supplied: frozenset[str]

    def dags(self) -> dict[str, PackageDag]:
        """All DAGs that have tasks, by name."""
        return {task.dag.name: task.dag for task in self.tasks}

    def tasks_of(self, dag: PackageDag) -> dict[str, PackageTask]:
        """The tasks of one DAG by name."""
        return {task.name: task for task in self.tasks if task.dag.name == dag.name}

    def platform_settings(self) -> dict[str, Any]:
        """Settings in the platform document by executor label; empty if malformed."""
        tree: Any = self.raw_platform
        for key in ("platforms", "kubernetes", "deploymentSpec", "executors"):
            tree = tree.get(key) if isinstance(tree, dict) else None
        if not isinstance(tree, dict):
            return {}
        return {label: settings or {} for label, settings in tree.items()}


def parse_spec(raw: Mapping[str, Any]) -> tuple[pb.PipelineSpec, pb.PipelineDeploymentConfig]:
    """Parses a spec and the deployment spec in it.

    Raises:
        google.protobuf.json_format.ParseError: If it is no pipeline spec.
    """
    spec = json_format.ParseDict(dict(raw), pb.PipelineSpec())
    deployment = json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec),
        pb.PipelineDeploymentConfig(),
        ignore_unknown_fields=True,  # `checks.structure.unread_deployment_fields` reports them
    )
    return spec, deployment


def view_package(package: Package, target: str, supplied: Collection[str] = ()) -> PackageView:
    """Parses a package to which `checks.structure.unreadable` has no objection.

    Args:
        package: The documents.
        target: `kubeflow` or `vertex`.
        supplied: Names of runtime parameters whose values the submission supplies.
    """
    spec, deployment = parse_spec(package.spec)
    tasks = tuple(_tasks(spec, deployment, PackageDag(ROOT, spec.root), set()))
    return PackageView(target, package.platform, spec, deployment, tasks, frozenset(supplied))


def _tasks(
    spec: pb.PipelineSpec, deployment: pb.PipelineDeploymentConfig, dag: PackageDag, seen: set[str]
) -> Iterator[PackageTask]:
    """The tasks of a DAG and of those below it; each DAG once, as the backend visits them."""
    seen.add(dag.name)
    for name, task in sorted(dag.tasks.items()):
        reference = task.component_ref.name
        component = spec.components.get(reference)
        label = component.executor_label if component else ""
        executor = deployment.executors.get(label)
        yield PackageTask(name, task, dag, component, executor)
        if component and component.HasField("dag") and reference not in seen:
            yield from _tasks(spec, deployment, PackageDag(reference, component), seen)

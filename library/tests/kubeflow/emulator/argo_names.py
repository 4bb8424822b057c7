"""Argo Workflows' checks of the compiled workflow before it is stored.

Stands for argo-workflows v4.0.5, workflow/validate/validate.go, which the API server calls
(apiserver/resource/resource_manager.go:673), and for Kubernetes' rule for names of objects. The
schedules of recurring runs are not checked in this way (resource_manager.go:1321).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.kubeflow.emulator.errors import BackendError

if TYPE_CHECKING:
    from tests.kubeflow.emulator.compiler import Task

# Names of tasks: validate.go, from 1624.
FIELD_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
MAX_LENGTH = 128
PARAMETER_NAME = re.compile(r"[-a-zA-Z0-9_]+")  # validate.go:1607
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class InvalidWorkflowError(BackendError):
    """Argo or Kubernetes refuses the workflow."""

    def __init__(self, pipeline_name: str, text: str) -> None:
        super().__init__(
            f"InternalServerError: Failed to validate workflow for ({pipeline_name}-): {text}"
        )


def check(pipeline_name: str, tasks: Mapping[str, Task]) -> None:
    """Raises InvalidWorkflowError for the first thing that is wrong."""
    for task in tasks.values():  # one workflow argument each: argocompiler/argo.go:386
        component = task.spec.component_ref.name
        if task.kubernetes.ByteSize() and not PARAMETER_NAME.fullmatch(component):
            raise InvalidWorkflowError(
                pipeline_name,
                f"spec.arguments.parameters.name: 'kubernetes-{component}' is invalid: "
                "Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-'",
            )
    for index, name in enumerate(_argo_tasks(tasks)):
        reasons = []
        if len(name) > MAX_LENGTH:
            reasons.append(f"must be no more than {MAX_LENGTH} characters")
        if not FIELD_NAME.fullmatch(name):
            reasons.append(
                "name must consist of alpha-numeric characters or '-', and must start with an "
                "alpha-numeric character (e.g. My-name1-2, 123-NAME)"
            )
        if reasons:  # validate.go:1371
            raise InvalidWorkflowError(
                pipeline_name,
                f"templates.root.tasks[{index}].name: '{name}' is invalid: {';'.join(reasons)}",
            )
        if name[0].isdigit():  # validate.go:1381: a driver comes before each executor, by 'depends'
            raise InvalidWorkflowError(
                pipeline_name,
                f"templates.root.tasks.{name} name cannot begin with a digit when using either "
                "'depends' or 'dependencies'",
            )
    _check_dependencies(pipeline_name, tasks)
    if not OBJECT_NAME.fullmatch(pipeline_name):  # the workflow's generateName: argo.go:156
        raise BackendError(
            f"InternalServerError: Failed to create a workflow for ({pipeline_name}-): "
            f'metadata.generateName: Invalid value: "{pipeline_name}-": a lowercase RFC 1123 '
            "subdomain must consist of lower case alphanumeric characters, '-' or '.'"
        )


def _argo_tasks(tasks: Mapping[str, Task]) -> list[str]:
    """The tasks that the compiler makes of ours (argocompiler/dag.go:248-347)."""
    names = []
    for name, task in tasks.items():
        names += [name] if task.is_importer else [f"{name}-driver", name]
    return names


def _check_dependencies(pipeline_name: str, tasks: Mapping[str, Task]) -> None:
    """Every dependency exists, and there is no circle (validate.go:1410, 1424)."""
    for name, task in tasks.items():
        for dependency in task.dependencies:
            if dependency not in tasks:
                raise InvalidWorkflowError(
                    pipeline_name,
                    f"templates.root.tasks.{name}-driver dependency '{dependency}' not defined",
                )
    done: set[str] = set()
    while ready := [
        name
        for name, task in tasks.items()
        if name not in done and done.issuperset(task.dependencies)
    ]:
        done.update(ready)
    if len(done) < len(tasks):
        left = ", ".join(sorted(set(tasks) - done))
        raise InvalidWorkflowError(
            pipeline_name, f"templates.root.tasks dependency cycle among {left}"
        )

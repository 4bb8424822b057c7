"""What a backend would refuse in a package, or silently ignore, found before it is sent there.

The rules hold for any package: this project's, TFX's stock output, one that was edited by hand.
Each is a function of one module here; its docstring says where the backend takes offence, in the
sources of kubeflow/pipelines 2.17.0 (paths below its `backend/src`) unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from tfxkit.errors import UsageError
from tfxkit.kubeflow.checks import (
    artifacts,
    caching,
    commands,
    containers,
    documents,
    implementations,
    names,
    parameters,
    platform,
    resources,
    runtime_parameters,
    sizes,
    storage,
    wiring,
)
from tfxkit.kubeflow.checks.view import View, read

if TYPE_CHECKING:
    from tfxkit.kubeflow.package import Package

Rule = Callable[[View], Iterable[str]]

RULES: dict[str, tuple[Rule, ...]] = {
    "kubeflow": (
        documents.schema_version,
        documents.unread_deployment_fields,
        names.kubernetes_pipeline_name,
        names.argo_task_names,
        names.driver_names,
        implementations.component_references,
        implementations.executors,
        implementations.iterators,
        wiring.producers,
        wiring.parent_inputs,
        wiring.dependencies,
        wiring.cycles,
        wiring.conditions,
        runtime_parameters.values,
        runtime_parameters.defaults,
        parameters.types,
        parameters.constants,
        parameters.missing,
        parameters.nulls,
        commands.expansions,
        commands.placeholders,
        artifacts.metadata,
        artifacts.types,
        containers.images,
        containers.commands,
        containers.stock_entrypoint,
        containers.lifecycle,
        containers.infra_validator,
        caching.blind_keys,
        storage.launcher_root,
        storage.wheels,
        sizes.arguments,
        sizes.workflow,
        resources.quantities,
        resources.kubernetes_accelerators,
        platform.read_strictly,
        platform.executor_labels,
        platform.executor_settings,
    ),
    "vertex": (
        documents.unread_deployment_fields,
        names.vertex_pipeline_name,
        implementations.component_references,
        wiring.producers,
        wiring.parent_inputs,
        wiring.dependencies,
        wiring.cycles,
        runtime_parameters.values,
        runtime_parameters.defaults,
        containers.images,
        containers.infra_validator,
        caching.blind_keys,
        storage.vertex_root,
        sizes.arguments,
        resources.vertex_accelerators,
        platform.none_for_vertex,
    ),
}


def find_problems(package: Package, target: str, given: Collection[str] = ()) -> list[str]:
    """Holds a package to what its backend accepts; takes well below a second.

    Args:
        package: The documents of the package.
        target: `kubeflow` or `vertex`.
        given: Names of runtime parameters that the submission will give values for.

    Returns:
        A sentence for each problem, which names the step and the cure; empty if the package is fit.
    """
    if unreadable := documents.unreadable(package.spec):
        return [unreadable]
    view = read(package.spec, package.platform, target, given)
    return [problem for rule in RULES[target] for problem in rule(view)]


def ensure_fit(package: Package, target: str, name: str, given: Collection[str] = ()) -> None:
    """Refuses a package that has problems.

    Args:
        package: The documents of the package.
        target: `kubeflow` or `vertex`.
        name: What the message calls the package.
        given: Names of runtime parameters that the submission will give values for.

    Raises:
        UsageError: If there are any; lists them.
    """
    if problems := find_problems(package, target, given):
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise UsageError(f"{name} would be refused by {target}, or not do what it says:\n{listed}")

"""Problems of a package that a backend would refuse or silently ignore, found before submission.

The rules apply to any package: this project's, TFX's stock output, one that was edited by hand.
Each is a function of a module here that yields sentences. The rule's docstring cites the place in
the sources of kubeflow/pipelines 2.17.0 (paths below its `backend/src`) unless noted otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from tfxkit.errors import UsageError
from tfxkit.kubeflow.checks import containers, limits, parameters, resources, structure
from tfxkit.kubeflow.package import Package, PackageView, view_package

Rule = Callable[[PackageView], Iterable[str]]

RULES: dict[str, tuple[Rule, ...]] = {
    "kubeflow": (
        structure.schema_version,
        structure.unread_deployment_fields,
        limits.kubernetes_pipeline_name,
        limits.argo_task_names,
        limits.driver_names,
        structure.component_references,
        structure.executors,
        structure.iterators,
        structure.producers,
        structure.parent_inputs,
        structure.dependencies,
        structure.cycles,
        structure.conditions,
        parameters.pipeline_values,
        parameters.pipeline_defaults,
        parameters.types,
        parameters.constants,
        parameters.missing,
        parameters.nulls,
        containers.expansions,
        containers.placeholders,
        structure.artifact_metadata,
        structure.artifact_types,
        containers.images,
        containers.commands,
        containers.stock_entrypoint,
        containers.lifecycle,
        containers.infra_validator,
        containers.blind_cache_keys,
        limits.launcher_root,
        containers.wheels,
        limits.argument_lengths,
        limits.workflow_size,
        resources.quantities,
        resources.kubernetes_accelerators,
        resources.platform_document,
        resources.platform_labels,
        resources.platform_settings,
    ),
    "vertex": (
        structure.unread_deployment_fields,
        limits.vertex_pipeline_name,
        structure.component_references,
        structure.producers,
        structure.parent_inputs,
        structure.dependencies,
        structure.cycles,
        parameters.pipeline_values,
        parameters.pipeline_defaults,
        containers.images,
        containers.infra_validator,
        containers.blind_cache_keys,
        limits.vertex_root,
        limits.argument_lengths,
        resources.vertex_accelerators,
        resources.platform_on_vertex,
    ),
}


def find_problems(package: Package, target: str, supplied: Collection[str] = ()) -> list[str]:
    """Checks a package against the rules of its backend; takes well below a second.

    Args:
        package: The documents of the package.
        target: `kubeflow` or `vertex`.
        supplied: Names of runtime parameters whose values the submission supplies.

    Returns:
        A sentence for each problem with the step and the cure; empty without problems.
    """
    if unreadable := structure.unreadable(package.spec):
        return [unreadable]
    view = view_package(package, target, supplied)
    return [problem for rule in RULES[target] for problem in rule(view)]


def ensure_fit(package: Package, target: str, name: str, supplied: Collection[str] = ()) -> None:
    """Refuses a package that has problems.

    Args:
        package: The documents of the package.
        target: `kubeflow` or `vertex`.
        name: Subject of the message.
        supplied: Names of runtime parameters whose values the submission supplies.

    Raises:
        UsageError: With a list of the problems.
    """
    if problems := find_problems(package, target, supplied):
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise UsageError(f"{name} would be refused by {target}, or ignored in part:\n{listed}")

"""What runs each task: references that lead somewhere, kinds of executors that exist."""

from __future__ import annotations

from collections.abc import Iterator

from tfxkit.kubeflow.checks.view import View

_CURES = {
    "resolver": (
        "is a resolver, which only Vertex has: replace TFX's Resolver by a component (as Baseline "
        "here), or leave it out"
    ),
    "custom_job": "is a custom job of Google Cloud: use a container",
}


def component_references(view: View) -> Iterator[str]:
    """References that lead nowhere: v2/compiler/visitor.go:107-110 and :156-161.

    A task without a name of its own is refused by the driver: v2/driver/driver.go:728.
    """
    for task in view.tasks:
        reference = task.spec.component_ref.name
        if task.component is None:
            yield (
                f"{task.name}: there is no component {reference!r}: add it under components, or "
                "correct componentRef.name."
            )
        elif task.component.executor_label and task.executor is None:
            yield (
                f"{task.name}: there is no executor {task.component.executor_label!r}: add it "
                "under deploymentSpec.executors, or correct executorLabel."
            )
        elif not task.component.executor_label and not task.component.HasField("dag"):
            yield (
                f"{task.name}: its component {reference!r} has neither executorLabel nor dag: say "
                "what runs it."
            )
        if not task.spec.task_info.name:
            yield f"{task.name}: taskInfo.name is empty, and the driver wants it: set it."


def executors(view: View) -> Iterator[str]:
    """Containers and importers only: v2/compiler/visitor.go:134, argocompiler/dag.go:349 and :351.

    An upload passes all the same; it is the run that fails.
    """
    for task in view.tasks:
        kind = task.executor.WhichOneof("spec") if task.executor else None
        if task.executor and kind not in ("container", "importer"):
            cure = _CURES.get(kind or "", "has an executor that says nothing: give it a container")
            yield f"{task.name}: {cure}; open-source Kubeflow Pipelines runs no such step."


def iterators(view: View) -> Iterator[str]:
    """Loops over artifacts do not exist: v2/compiler/argocompiler/dag.go:65-70."""
    for task in view.tasks:
        if task.spec.HasField("artifact_iterator"):
            yield (
                f"{task.name}: loops over artifacts are not implemented in open-source Kubeflow "
                "Pipelines: loop over a parameter, or inside the step."
            )

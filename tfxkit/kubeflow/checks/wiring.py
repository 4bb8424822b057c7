"""Which task feeds which: producers, outputs, order, conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf.message import Message

from tfxkit.kubeflow.checks.view import ROOT, Task, View

_DYNAMIC = "_task"  # what TFX appends to the producer of a dynamic exec property
_CONDITION_INPUT = re.compile(r"inputs\.(artifacts|parameters)\['([^']+)'\]")


def producers(view: View) -> Iterator[str]:
    """Inputs from tasks or outputs that are not there.

    Unknown task: v2/compiler/argocompiler/dag.go:666. Unknown output: it is looked up when the step
    is about to run (v2/driver/resolve.go:691 and :787), and there is none. TFX writes a wrong
    producer for dynamic exec properties (tfx 1.21, orchestration/kubeflow/v2/step_builder.py:404).
    """
    for task in view.tasks:
        siblings = view.of(task.dag)
        for name, producer, key, kind in _sources(task):
            if producer not in siblings:
                if producer.removesuffix(_DYNAMIC) in siblings:
                    yield (
                        f"{task.name}: its parameter {name!r} is the value of another step's "
                        f"output (future), which TFX compiles to the unknown task {producer!r}: "
                        "hand the value over as an artifact."
                    )
                else:
                    yield (
                        f"{task.name}: its input {name!r} comes from {producer!r}, and there is no "
                        "such task beside it: correct producerTask."
                    )
                continue
            component = siblings[producer].component
            outputs = getattr(component.output_definitions, kind) if component else {key: None}
            if key not in outputs:
                yield (
                    f"{task.name}: its input {name!r} is the output {key!r} of {producer}, which "
                    f"has {', '.join(sorted(outputs)) or 'none'}: correct the key."
                )


def parent_inputs(view: View) -> Iterator[str]:
    """Inputs that the surrounding DAG does not have: v2/driver/resolve.go:396 and :551.

    TFX leaves them out of the DAG that it makes of a pipeline with an exit handler.
    """
    for task in view.tasks:
        definitions = task.dag.component.input_definitions
        where = "the pipeline" if task.dag.name == ROOT else task.dag.name
        for name, parameter in task.spec.inputs.parameters.items():
            source = parameter.component_input_parameter
            if source and source not in definitions.parameters:
                yield (
                    f"{task.name}: its parameter {name!r} is the input {source!r} of {where}, "
                    "which does not declare it: add it to inputDefinitions.parameters."
                )
        for name, artifact in task.spec.inputs.artifacts.items():
            source = artifact.component_input_artifact
            if source and source not in definitions.artifacts:
                yield (
                    f"{task.name}: its artifact {name!r} is the input {source!r} of {where}, which "
                    "does not declare it: add it to inputDefinitions.artifacts."
                )


def dependencies(view: View) -> Iterator[str]:
    """Order behind tasks that are not there, which Argo refuses.

    argo-workflows 4.1.2, workflow/validate/validate.go (validateDAG: "dependency … not defined").
    """
    for task in view.tasks:
        for name in task.spec.dependent_tasks:
            if name not in task.dag.tasks:
                yield (
                    f"{task.name}: it waits for {name!r}, and there is no such task beside it: "
                    "correct dependentTasks."
                )


def cycles(view: View) -> Iterator[str]:
    """Tasks that wait for themselves: Argo's validateDAG ("dependency cycle detected")."""
    for dag in view.dags().values():
        waiting = {name: upstream(task) & dag.tasks.keys() for name, task in view.of(dag).items()}
        while free := {name for name, upstream in waiting.items() if not upstream & waiting.keys()}:
            waiting = {name: up for name, up in waiting.items() if name not in free}
        if waiting:
            yield (
                f"{', '.join(sorted(waiting))}: these steps wait for one another, directly or by "
                "way of those in between: take one of their inputs or dependentTasks away."
            )


def conditions(view: View) -> Iterator[str]:
    """Conditions that cannot be asked.

    On an importer: v2/compiler/argocompiler/dag.go:341. Over an input that the task does not have:
    the expression fails in the driver (v2/expression/expression.go, called by
    v2/driver/container.go:90).
    """
    for task in view.tasks:
        condition = task.spec.trigger_policy.condition
        if not condition:
            continue
        if task.executor and task.executor.WhichOneof("spec") == "importer":
            yield (
                f"{task.name}: an importer cannot have a condition in open-source Kubeflow "
                "Pipelines: move the importer out of the condition."
            )
        for kind, name in _CONDITION_INPUT.findall(condition):
            if name not in getattr(task.spec.inputs, kind):
                yield (
                    f"{task.name}: its condition asks for {kind} {name!r}, which is no input of "
                    "the task: add the input, or correct the condition."
                )


def upstream(task: Task) -> set[str]:
    """The tasks that a task waits for."""
    return {*task.spec.dependent_tasks, *(producer for _, producer, _, _ in _sources(task))}


def _sources(task: Task) -> Iterator[tuple[str, str, str, str]]:
    """Input, producing task, key of its output and kind of that, of each input from a task."""
    for name, parameter in sorted(task.spec.inputs.parameters.items()):
        if _kind(parameter) == "task_output_parameter":
            output = parameter.task_output_parameter
            yield name, output.producer_task, output.output_parameter_key, "parameters"
    for name, artifact in sorted(task.spec.inputs.artifacts.items()):
        if _kind(artifact) == "task_output_artifact":
            output = artifact.task_output_artifact
            yield name, output.producer_task, output.output_artifact_key, "artifacts"


def _kind(message: Message) -> str | None:
    return message.WhichOneof("kind")

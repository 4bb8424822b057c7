"""The parameters of each task: typed, given, and of the type that is declared."""

from __future__ import annotations

from collections.abc import Iterator

from tfxkit.kubeflow.checks.values import (
    PARAMETER_TYPES,
    UNTYPED,
    kind_name,
    reaches,
    type_name,
)
from tfxkit.kubeflow.checks.view import ROOT, Task, View

_RECOMPILE = "compile with use_pipeline_spec_2_1=True"


def types(view: View) -> Iterator[str]:
    """Inputs without parameterType, as schema 2.0 has them: v2/driver/resolve.go:219-249."""
    for task in view.tasks:
        untyped = [
            name
            for name, parameter in sorted(_declared(task).items())
            if parameter.parameter_type == UNTYPED
        ]
        if untyped:
            yield (
                f"{task.name}: its parameters {', '.join(untyped)} have no parameterType, and no "
                f"value would fit them: {_RECOMPILE}."
            )


def constants(view: View) -> Iterator[str]:
    """Values that are no constants, or constants of another type than is declared.

    v2/driver/resolve.go:456 (`constantValue`, `runtimeParameter`), :219-249 (types), :228 (null).
    Into text the driver turns everything; a null becomes an empty one (:212).
    """
    for task in view.tasks:
        declared, old = _declared(task), []
        for name, parameter in sorted(task.spec.inputs.parameters.items()):
            if parameter.WhichOneof("kind") != "runtime_value":
                continue
            kind = parameter.runtime_value.WhichOneof("value")
            if kind == "runtime_parameter":
                yield (
                    f"{task.name}: its parameter {name!r} is a runtimeValue.runtimeParameter, "
                    "which is not implemented in open-source Kubeflow Pipelines: use "
                    "componentInputParameter."
                )
            elif kind != "constant":
                old.append(name)
            elif name in declared and declared[name].parameter_type != UNTYPED:
                constant, wanted = parameter.runtime_value.constant, declared[name].parameter_type
                if not reaches(constant, wanted):
                    yield (
                        f"{task.name}: its parameter {name!r} is a {type_name(wanted)}, and its "
                        f"constant is a {kind_name(constant)}: correct one of them."
                    )
        if old:
            yield (
                f"{task.name}: its parameters {', '.join(old)} have constants in the form of "
                f"schema 2.0 (constantValue), which is not implemented: {_RECOMPILE}."
            )


def missing(view: View) -> Iterator[str]:
    """Parameters that get no value: v2/driver/resolve.go:187-193.

    A default of a component that is not optional is looked at and then not used: text becomes empty
    (:212, metadata/converter.go:19), and any other type is an error (:251).
    """
    for task in view.tasks:
        if task.spec.HasField("parameter_iterator"):
            continue  # the item is given by the loop
        for name, parameter in sorted(_declared(task).items()):
            if name in task.spec.inputs.parameters or parameter.is_optional:
                continue
            if not parameter.HasField("default_value"):
                yield (
                    f"{task.name}: its parameter {name!r} gets no value and has no default: give "
                    "it one under inputs.parameters."
                )
            else:
                yield (
                    f"{task.name}: its parameter {name!r} is left to a default that the backend "
                    "does not apply: give the value under inputs.parameters, or set isOptional."
                )


def nulls(view: View) -> Iterator[str]:
    """Optional parameters of the pipeline that are null: v2/driver/resolve.go:399 and :339-346.

    A step takes a null if its own parameter is optional too.
    """
    for task in view.tasks:
        known, declared, parents = task.values(), _declared(task), task.dag.component
        for name, parameter in sorted(task.spec.inputs.parameters.items()):
            source = parameter.component_input_parameter
            absent = source in parents.input_definitions.parameters and name not in known
            mandatory = name not in declared or not declared[name].is_optional
            if absent and mandatory and task.dag.name == ROOT and source not in view.given:
                yield (
                    f"{task.name}: its parameter {name!r} is the pipeline's {source!r}, which has "
                    "no default, and a step does not take a null: give that one a defaultValue, or "
                    "set isOptional in the component."
                )


def _declared(task: Task) -> dict:
    parameters = task.component.input_definitions.parameters if task.component else {}
    # What the driver fills in itself needs neither value nor type of ours.
    own = (PARAMETER_TYPES.TASK_CONFIG, PARAMETER_TYPES.TASK_FINAL_STATUS)
    return {name: p for name, p in parameters.items() if p.parameter_type not in own}

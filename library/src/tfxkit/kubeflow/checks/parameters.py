"""Parameters of the pipeline and of its tasks: type, value, default."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf import struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.package import ROOT, PackageTask, PackageView

_TYPES = pb.ParameterType
_UNTYPED = _TYPES.PARAMETER_TYPE_ENUM_UNSPECIFIED

_FITTING = {
    _TYPES.NUMBER_DOUBLE: "number_value",
    _TYPES.NUMBER_INTEGER: "number_value",
    _TYPES.STRING: "string_value",
    _TYPES.BOOLEAN: "bool_value",
    _TYPES.LIST: "list_value",
    _TYPES.STRUCT: "struct_value",
    _TYPES.TASK_FINAL_STATUS: "struct_value",
    _TYPES.TASK_CONFIG: "struct_value",
}
_RECOMPILE = "compile with use_pipeline_spec_2_1=True"


def _type_name(parameter_type: int) -> str:
    """Name of a type in packages."""
    return _TYPES.ParameterTypeEnum.Name(parameter_type)


def _kind_name(value: struct_pb2.Value) -> str:
    """Kind of a value: null, number, string, bool, list or struct."""
    return (value.WhichOneof("kind") or "nothing").removesuffix("_value")


def _fits(value: struct_pb2.Value, parameter_type: int) -> bool:
    """True if a value has a type, by the strict rule of the API server for runtime parameters."""
    return value.WhichOneof("kind") == _FITTING.get(parameter_type)


def _reaches(value: struct_pb2.Value, parameter_type: int) -> bool:
    """True if the driver hands a value to a step; it turns anything but null into text."""
    if parameter_type == _TYPES.STRING:
        return value.WhichOneof("kind") not in (None, "null_value")
    return _fits(value, parameter_type)


def pipeline_values(view: PackageView) -> Iterator[str]:
    """Pipeline parameters without a type or a value: apiserver/template/v2_template.go:467-479.

    TFX drops the default of a RuntimeParameter when it compiles (tfx 1.21,
    orchestration/kubeflow/v2/pipeline_builder.py).
    """
    for name, parameter in sorted(view.spec.root.input_definitions.parameters.items()):
        if parameter.parameter_type == _UNTYPED:
            yield (
                f"The pipeline's parameter {name!r} has no parameterType: set it (STRING, "
                "NUMBER_INTEGER, NUMBER_DOUBLE, BOOLEAN, LIST or STRUCT)."
            )
        if not (
            parameter.HasField("default_value") or parameter.is_optional or name in view.supplied
        ):
            yield (
                f"The pipeline's parameter {name!r} has neither a default nor a value: give it a "
                f"defaultValue, or a value with each submission (--parameter {name}=…)."
            )


def pipeline_defaults(view: PackageView) -> Iterator[str]:
    """Defaults of pipeline parameters with another type.

    They are filled in after the check of the values (v2/compiler/argocompiler/argo.go:96-107), so
    the first step that uses one fails: v2/driver/resolve.go:219-249.
    """
    for name, parameter in sorted(view.spec.root.input_definitions.parameters.items()):
        typed = parameter.parameter_type != _UNTYPED and parameter.HasField("default_value")
        if typed and not _fits(parameter.default_value, parameter.parameter_type):
            yield (
                f"The pipeline's parameter {name!r} is a {_type_name(parameter.parameter_type)}, "
                f"and its default is a {_kind_name(parameter.default_value)}: correct one of them."
            )


def types(view: PackageView) -> Iterator[str]:
    """Inputs without parameterType, as schema 2.0 has them: v2/driver/resolve.go:219-249."""
    for task in view.tasks:
        untyped = [
            name
            for name, parameter in sorted(_declared(task).items())
            if parameter.parameter_type == _UNTYPED
        ]
        if untyped:
            yield (
                f"{task.name}: its parameters {', '.join(untyped)} have no parameterType, and no "
                f"value would fit them: {_RECOMPILE}."
            )


def constants(view: PackageView) -> Iterator[str]:
    """Values that are no constants, or constants of another type than the declared one.

    v2/driver/resolve.go:456 (`constantValue`, `runtimeParameter`), :219-249 (types), :228 (null).
    The driver turns everything into text; a null becomes an empty one (:212).
    """
    for task in view.tasks:
        declared, old = _declared(task), []
        for name, parameter in sorted(task.spec.inputs.parameters.items()):
            if parameter.WhichOneof("kind") != "runtime_value":
                continue
            form = parameter.runtime_value.WhichOneof("value")
            if form == "runtime_parameter":
                yield (
                    f"{task.name}: its parameter {name!r} is a runtimeValue.runtimeParameter, "
                    "which is not implemented in open-source Kubeflow Pipelines: use "
                    "componentInputParameter."
                )
            elif form != "constant":
                old.append(name)
            elif name in declared and declared[name].parameter_type != _UNTYPED:
                constant, wanted = parameter.runtime_value.constant, declared[name].parameter_type
                if not _reaches(constant, wanted):
                    yield (
                        f"{task.name}: its parameter {name!r} is a {_type_name(wanted)}, and its "
                        f"constant is a {_kind_name(constant)}: correct one of them."
                    )
        if old:
            yield (
                f"{task.name}: its parameters {', '.join(old)} have constants in the form of "
                f"schema 2.0 (constantValue), which is not implemented: {_RECOMPILE}."
            )


def missing(view: PackageView) -> Iterator[str]:
    """Parameters that get no value: v2/driver/resolve.go:187-193.

    The default of a parameter that is not optional is read and then ignored: text becomes empty
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


def nulls(view: PackageView) -> Iterator[str]:
    """Optional parameters of the pipeline that are null: v2/driver/resolve.go:399 and :339-346.

    A step takes a null if its own parameter is optional too.
    """
    for task in view.tasks:
        known, declared, parents = task.values(), _declared(task), task.dag.component
        for name, parameter in sorted(task.spec.inputs.parameters.items()):
            source = parameter.component_input_parameter
            absent = source in parents.input_definitions.parameters and name not in known
            mandatory = name not in declared or not declared[name].is_optional
            if absent and mandatory and task.dag.name == ROOT and source not in view.supplied:
                yield (
                    f"{task.name}: its parameter {name!r} is the pipeline's {source!r}, which has "
                    "no default, and a step does not take a null: give that one a defaultValue, or "
                    "set isOptional in the component."
                )


def _declared(task: PackageTask) -> dict:
    parameters = task.component.input_definitions.parameters if task.component else {}
    # The driver fills in these itself.
    filled_in = (_TYPES.TASK_CONFIG, _TYPES.TASK_FINAL_STATUS)
    return {name: p for name, p in parameters.items() if p.parameter_type not in filled_in}

"""Values of parameters: what a run is given, and how they turn into text and back.

Stands for apiserver/template/v2_template.go (what the user gives), argocompiler/argo.go (defaults)
and metadata/converter.go (text).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import protojson
from tests.kubeflow.emulator.errors import invalid_input, plain_error

Type = pipeline_spec_pb2.ParameterType
# The type as it is declared, the field of Value that holds it, and the words of v2_template.go.
KINDS = {
    Type.NUMBER_DOUBLE: ("number_value", "double or integer", "number"),
    Type.NUMBER_INTEGER: ("number_value", "double or integer", "number"),
    Type.STRING: ("string_value", "string", "string"),
    Type.BOOLEAN: ("bool_value", "bool", "bool"),
    Type.LIST: ("list_value", "list", "list"),
    Type.STRUCT: ("struct_value", "struct", "struct"),
}


def check_given(spec: pipeline_spec_pb2.PipelineSpec, given: Mapping[str, Value]) -> None:
    """Checks the values that a run is given against the root's inputs (v2_template.go:442).

    Raises:
        BackendError: One is missing, unknown, or of another type.
    """
    declared = spec.root.input_definitions.parameters
    for name, parameter in declared.items():
        if name not in given:
            if not parameter.is_optional and not parameter.HasField("default_value"):
                raise invalid_input(
                    f"parameter {name} is not optional, yet has neither default value nor user "
                    "provided value"
                )
            continue
        if parameter.parameter_type == Type.PARAMETER_TYPE_ENUM_UNSPECIFIED:
            raise invalid_input(f"input parameter {name} has unspecified type")
        if parameter.parameter_type not in KINDS:
            raise invalid_input(f"input parameter {name} requires type unknown")
        field, wanted, got = KINDS[parameter.parameter_type]
        if given[name].WhichOneof("kind") != field:
            raise invalid_input(
                f"input parameter {name} requires type {wanted}, but the input parameter is not "
                f"of {got} value type"
            )
    extra = [name for name in given if name not in declared]
    if extra:
        raise invalid_input(
            f"parameter(s) provided are not required by pipeline: {', '.join(extra)}"
        )


def with_defaults(
    spec: pipeline_spec_pb2.PipelineSpec, given: Mapping[str, Value]
) -> dict[str, Value]:
    """The root's parameters: given, default, or null if optional (argocompiler/argo.go:96)."""
    values = dict(given)
    for name, parameter in spec.root.input_definitions.parameters.items():
        if name in values:
            continue
        if parameter.HasField("default_value"):
            values[name] = parameter.default_value
        elif parameter.is_optional:
            values[name] = protojson.value(None)
    return values


def text_of(value: Value) -> str:
    """A value as a parameter of type STRING gets it (metadata/converter.go:15)."""
    kind = value.WhichOneof("kind")
    if kind == "null_value":
        return ""
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "number_value":
        return number_text(value.number_value)
    return protojson.to_text(value)


def number_text(number: float) -> str:
    """A number as strconv.FormatFloat(number, 'f', -1, 64) writes it."""
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def value_of(text: str, parameter_type: int) -> Value:
    """The text that a step wrote, as a value of the declared type (metadata/converter.go:50).

    Raises:
        BackendError: It is none.
    """

    def fail(reason: object) -> Exception:
        name = Type.ParameterTypeEnum.Name(parameter_type)
        return plain_error(f'TextToPbValue(text="{text}", type="{name}") failed: {reason}')

    if parameter_type == Type.STRING:
        return Value(string_value=text)
    try:
        if parameter_type == Type.NUMBER_INTEGER:
            return Value(number_value=int(text))
        if parameter_type == Type.NUMBER_DOUBLE:
            return Value(number_value=float(text))
        if parameter_type == Type.BOOLEAN:
            return Value(bool_value=_boolean(text.strip()))
        value = protojson.value(json.loads(text))
    except ValueError as error:
        raise fail(error) from error
    if parameter_type not in (Type.LIST, Type.STRUCT):
        raise fail("unknown type")
    if value.WhichOneof("kind") != KINDS[parameter_type][0]:
        raise fail("unexpected type")
    return value


def _boolean(text: str) -> bool:
    if text in ("1", "t", "T", "TRUE", "true", "True"):  # strconv.ParseBool
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')

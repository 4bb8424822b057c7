"""Which values fit which type of parameter, by the rules of the backend."""

from __future__ import annotations

from google.protobuf import struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

PARAMETER_TYPES = pb.ParameterType
UNTYPED = PARAMETER_TYPES.PARAMETER_TYPE_ENUM_UNSPECIFIED

_FITTING = {
    PARAMETER_TYPES.NUMBER_DOUBLE: "number_value",
    PARAMETER_TYPES.NUMBER_INTEGER: "number_value",
    PARAMETER_TYPES.STRING: "string_value",
    PARAMETER_TYPES.BOOLEAN: "bool_value",
    PARAMETER_TYPES.LIST: "list_value",
    PARAMETER_TYPES.STRUCT: "struct_value",
    PARAMETER_TYPES.TASK_FINAL_STATUS: "struct_value",
    PARAMETER_TYPES.TASK_CONFIG: "struct_value",
}


def type_name(parameter_type: int) -> str:
    """The name of a type, as packages write it."""
    return PARAMETER_TYPES.ParameterTypeEnum.Name(parameter_type)


def kind_name(value: struct_pb2.Value) -> str:
    """What a value is: null, number, string, bool, list or struct."""
    return (value.WhichOneof("kind") or "nothing").removesuffix("_value")


def fits(value: struct_pb2.Value, parameter_type: int) -> bool:
    """Whether a value is of a type, strictly: as the API server holds runtime parameters to it."""
    return value.WhichOneof("kind") == _FITTING.get(parameter_type)


def reaches(value: struct_pb2.Value, parameter_type: int) -> bool:
    """Whether the driver hands a value to a step: into text it turns anything but null."""
    if parameter_type == PARAMETER_TYPES.STRING:
        return value.WhichOneof("kind") not in (None, "null_value")
    return fits(value, parameter_type)

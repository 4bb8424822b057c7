"""Protocol buffers as JSON, as Go's protojson reads and writes them.

Reading is strict: an unknown field is an error. Writing differs from Python's in one way that a
step can see: a number without a fraction is written without one (5, not 5.0).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

M = TypeVar("M", bound=Message)


class InvalidJson(ValueError):  # noqa: N818 - reads as the finding it is
    """The JSON is no message of this type."""


def from_object(value: Mapping[str, Any], message: M) -> M:
    """Fills `message` from parsed JSON; raises InvalidJson."""
    try:
        json.dumps(value, allow_nan=False)  # Go's JSON has no infinity
        return json_format.ParseDict(value, message)
    except (json_format.ParseError, TypeError, ValueError) as error:
        raise InvalidJson(str(error)) from error


def from_object_leniently(value: Mapping[str, Any], message: M) -> M:
    """Fills `message`, leaving out fields that it has not; raises InvalidJson."""
    try:
        return json_format.ParseDict(value, message, ignore_unknown_fields=True)
    except (json_format.ParseError, TypeError, ValueError) as error:
        raise InvalidJson(str(error)) from error


def from_text(text: str, message: M) -> M:
    """Fills `message` from JSON; raises InvalidJson."""
    try:
        return json_format.Parse(text, message)
    except (json_format.ParseError, TypeError, ValueError) as error:
        raise InvalidJson(str(error)) from error


def to_object(message: Message) -> Any:
    """The message as parsed JSON, with whole numbers as int."""
    return _whole_numbers(json_format.MessageToDict(message))


def to_text(message: Message) -> str:
    """The message as JSON in one line."""
    return json.dumps(to_object(message), separators=(",", ":"), ensure_ascii=False)


def value(native: Any) -> Value:
    """A Value that holds the Python object."""
    return from_object(native, Value())


def _whole_numbers(native: Any) -> Any:
    if isinstance(native, float) and native.is_integer():
        return int(native)
    if isinstance(native, dict):
        return {key: _whole_numbers(item) for key, item in native.items()}
    if isinstance(native, list):
        return [_whole_numbers(item) for item in native]
    return native

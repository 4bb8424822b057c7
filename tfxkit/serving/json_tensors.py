"""Tensors in JSON, as TensorFlow Serving's REST API writes and reads them."""

from __future__ import annotations

import base64
import binascii
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfxkit.serving.errors import invalid

BINARY_SUFFIX = "_bytes"  # outputs of such names are written in base64


def to_array(value: Any, dtype: tf.DType, name: str) -> np.ndarray:
    """Reads a tensor.

    Args:
        value: A value, or lists in lists of values; `{"b64": text}` is a binary one.
        dtype: What the signature wants.
        name: Of the input, for messages.

    Returns:
        The array; of bytes objects if the dtype is string.

    Raises:
        ServingError: If the lists are ragged or too deep, or a value is not of the dtype.
    """
    shape = _shape(value)
    try:
        flat = [_leaf(leaf, dtype, name) for leaf in _leaves(value, shape, name)]
        return np.array(flat, dtype.as_numpy_dtype).reshape(shape)
    except RecursionError as error:
        raise invalid(f"Input {name!r} has lists in too many lists: {error}") from None
    except (OverflowError, ValueError) as error:  # also a text that UTF-8 cannot encode
        raise invalid(f"Input {name!r} does not fit into {dtype.name}: {error}") from None


def is_binary(value: Any) -> bool:
    """Whether a JSON value is an encoded binary one, and not an object of named tensors."""
    return isinstance(value, Mapping) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def to_json(name: str, values: np.ndarray) -> Any:
    """Writes a tensor as lists in lists; float32 with as many digits as it takes, and no more."""
    if values.dtype == object:
        return _texts(values.tolist(), binary=name.endswith(BINARY_SUFFIX))
    if values.dtype == np.float32:
        return values.astype(str).astype(np.float64).tolist()
    return values.tolist()


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _leaves(value: Any, shape: list[int], name: str) -> Iterator[Any]:
    if not shape:
        if isinstance(value, list):
            raise invalid(f"Input {name!r} has lists of different depths")
        yield value
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        got = len(value) if isinstance(value, list) else "a value"
        raise invalid(f"Input {name!r} has lists of different sizes: {shape[0]} and {got}")
    for part in value:
        yield from _leaves(part, shape[1:], name)


def _leaf(value: Any, dtype: tf.DType, name: str) -> Any:
    if dtype == tf.string:
        if is_binary(value):
            return _decoded(value["b64"], name)
        if isinstance(value, str):
            return value.encode()
    elif dtype == tf.bool:
        if isinstance(value, bool):
            return value
    elif _is_number(value, whole=not dtype.is_floating):
        return value
    shown = reprlib.repr(value)
    raise invalid(f"JSON value {shown} of input {name!r} is not of expected type: {dtype.name}")


def _is_number(value: Any, *, whole: bool) -> bool:
    kinds = int if whole else int | float
    return isinstance(value, kinds) and not isinstance(value, bool)


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"Input {name!r} has a value that is no base64: {text:.40}") from None


def _texts(value: Any, *, binary: bool) -> Any:
    if isinstance(value, list):
        return [_texts(part, binary=binary) for part in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")

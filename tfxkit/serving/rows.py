"""Rows of raw columns, as JSON has them, to what the model takes: serialized `tf.Example`s.

TensorFlow Serving has nothing of the kind: there a client makes the examples. The types come from
the schema that the model carries, and a column must be there, if only as null: one that is
misspelt would count as missing in each row, and the answer would look good.
"""

from __future__ import annotations

import base64
import binascii
import os
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.serving.errors import invalid
from tfxkit.storage import served_model

_WANTED = {"INT": "a whole number", "FLOAT": "a number", "BYTES": "a text"}


class RowEncoder:
    """Knows the columns of one model, and their types."""

    def __init__(self, types: Mapping[str, str]) -> None:
        """Takes the type, INT, FLOAT or BYTES, of each column that the model needs."""
        self.types = dict(types)

    @classmethod
    def of(cls, version_dir: str) -> RowEncoder:
        """Reads from a pushed version, on a local disk, what it was trained on."""
        with open(os.path.join(version_dir, served_model.SCHEMA), encoding="utf-8") as file:
            schema = text_format.Parse(file.read(), schema_pb2.Schema())
        types = {f.name: schema_pb2.FeatureType.Name(f.type) for f in schema.feature}
        return cls({name: types[name] for name in served_model.columns(version_dir)})

    def encode(self, rows: Sequence[Any]) -> np.ndarray:
        """Encodes rows.

        Args:
            rows: One object a row: column -> value, null where it is not known. Columns that the
                model does not need are passed over.

        Returns:
            As many serialized examples, an array of bytes objects.

        Raises:
            ServingError: If a row is no object, lacks a column, or a value has another type.
        """
        return np.array([self._encode(row, place) for place, row in enumerate(rows)], object)

    def _encode(self, row: Any, place: int) -> bytes:
        if not isinstance(row, Mapping):
            raise invalid(f"Example {place} must be an object: column name -> value")
        if missing := [name for name in self.types if name not in row]:
            raise invalid(
                f"Example {place} lacks columns that the model needs: {', '.join(missing)}. "
                "Where a value is not known, say null."
            )
        example = tf.train.Example()
        feature = example.features.feature
        for name, kind in self.types.items():
            value = row[name]
            if value is None or value == "":  # empty text is a missing value, as it is in a CSV
                continue
            try:
                _PUT[kind](feature[name], value)
            except (TypeError, ValueError, OverflowError, binascii.Error):
                wanted = f"{name!r} must be {_WANTED[kind]} or null, not {reprlib.repr(value)}"
                raise invalid(f"Example {place}: {wanted}") from None
        return example.SerializeToString()


def _put_int(feature: tf.train.Feature, value: Any) -> None:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    feature.int64_list.value.append(int(_number(value)))


def _put_float(feature: tf.train.Feature, value: Any) -> None:
    feature.float_list.value.append(float(_number(value)))


def _put_bytes(feature: tf.train.Feature, value: Any) -> None:
    if isinstance(value, Mapping) and value.keys() == {"b64"}:
        feature.bytes_list.value.append(base64.b64decode(value["b64"], validate=True))
    elif isinstance(value, str):
        feature.bytes_list.value.append(value.encode())
    else:
        raise TypeError


def _number(value: Any) -> float | int:
    if not isinstance(value, int | float):
        raise TypeError
    return value


_PUT = {"INT": _put_int, "FLOAT": _put_float, "BYTES": _put_bytes}

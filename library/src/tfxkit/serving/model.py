"""A version of a model in memory: its signatures, its rows, and the errors of requests."""

from __future__ import annotations

import logging
import os
import random
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfxkit.features.training_values import TrainingValues, ValueCounts
from tfxkit.storage import served_model
from tfxkit.values.reading import Reading
from tfxkit.values.scalars import Value, value_reader

logger = logging.getLogger("tfxkit.serving")

DEFAULT_SIGNATURE = "serving_default"
_SERVE_TAG = "serve"
_COMPARED_ROWS = 64  # at most, of a request
# Of rows that came as examples, which have to be parsed once more: the first ones of a version, and
# then this share.
_FIRST_ROWS, _COMPARED_SHARE = 1000, 0.02
# Translation of TensorFlow Serving (model_servers/http_server.cc, ToHTTPStatusCode).
_HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
# The node of the graph is of no use to a client: " [[{{node …}}]]", " [Op:…]".
_NODES = re.compile(r"\s*\[\[\{\{.*?\}\}\]\]|\s*\[Op:[^\]]*\]")
_EXPECTED = {"INT": "a whole number", "FLOAT": "a number", "BYTES": "a text"}
_LISTS = {"INT": "int64_list", "FLOAT": "float_list", "BYTES": "bytes_list"}

SignatureDef: TypeAlias = meta_graph_pb2.SignatureDef
Row: TypeAlias = Mapping[str, Value]
Item = TypeVar("Item")


class ServingError(Exception):
    """A request that cannot be answered; the message is for the client.

    Attributes:
        code: The status of gRPC.
        http_status: The status of HTTP; 500 where the fault is not the client's.
    """

    def __init__(self, code: grpc.StatusCode, message: str, http_status: int | None = None) -> None:
        """Keeps message and status.

        Args:
            code: The status of gRPC.
            message: Problem and action, for the client.
            http_status: Where HTTP has a more precise status than the translation of `code`.
        """
        super().__init__(message)
        self.code = code
        self.http_status = http_status or _HTTP_STATUS.get(code, 500)


def invalid(message: str) -> ServingError:
    """Error of a request that is malformed, or does not fit the model."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """Error of a request for an unknown model or version."""
    return ServingError(grpc.StatusCode.NOT_FOUND, message)


class LoadedModel:
    """A version that answers calls, from many threads at once.

    Attributes:
        version: Its number.
        signature_defs: The signatures in the SavedModel, by name.
        rows: Encoder of rows for `serving_default`.
        values: Values that it was trained on.
    """

    def __init__(self, version_dir: str) -> None:
        """Loads the version and calls it once, so that the first client need not wait.

        Args:
            version_dir: A pushed version, see `storage.served_model`; its name is the number.

        Raises:
            Exception: Whatever TensorFlow raises if it cannot be loaded.
        """
        self.version = int(os.path.basename(version_dir))
        self.signature_defs = _signature_defs(version_dir)
        self.rows = RowEncoder.of(version_dir)
        self.values = TrainingValues.of(version_dir)
        self._answered = self._compared = 0  # rows that came as examples
        self._loaded = tf.saved_model.load(version_dir)
        self._warm_up()

    def signature(self, name: str) -> tuple[str, SignatureDef]:
        """Finds a signature, the default one for an empty name: its name and description.

        Raises:
            ServingError: If the model has none of this name.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self._loaded.signatures:
            names = ", ".join(sorted(self._loaded.signatures))
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found; there are: {names}',
            )
        return name, self.signature_defs[name]

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
            signature_name: A result of `signature`.
            inputs: The value of each input; texts as arrays of bytes objects.

        Returns:
            The value of each output.

        Raises:
            ServingError: If the inputs do not fit, or the model's graph raises.
        """
        _check(inputs, self.signature_defs[signature_name])
        try:
            tensors = {name: tf.constant(value) for name, value in inputs.items()}
            outputs = self._loaded.signatures[signature_name](**tensors)
            return {name: value.numpy() for name, value in outputs.items()}
        except tf.errors.OpError as error:
            raise _of_tensorflow(error) from error

    def count_rows(self, rows: Sequence[Row]) -> dict[str, ValueCounts]:
        """Compares rows with the training data, by column.

        Args:
            rows: Rows that `RowEncoder.read` returned. Of many a random sample is compared.
        """
        counts = self.values.start()
        self.values.count_rows(_sample(rows), counts)
        return counts

    def count_examples(
        self, signature_name: str, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, ValueCounts]:
        """Compares serialized examples with the training data, by column.

        To parse them takes Python about as long as an answer, so beyond the first rows of a version
        only a share of the requests is compared.

        Args:
            signature_name: The signature; only `serving_default` has rows of columns.
            inputs: As for `run`.
        """
        if signature_name != DEFAULT_SIGNATURE or len(inputs) != 1 or not self.values.columns:
            return {}
        [examples] = inputs.values()
        if examples.dtype != object or examples.ndim != 1:
            return {}
        self._answered += len(examples)
        if self._compared > max(_FIRST_ROWS, _COMPARED_SHARE * self._answered):
            return {}
        sample = _sample(examples.tolist())
        self._compared += len(sample)
        names = [column.name for column in self.values.columns]
        return self.count_rows([_first_values(example, names) for example in sample])

    def _warm_up(self) -> None:
        signature = self.signature_defs.get(DEFAULT_SIGNATURE)
        if signature is None or [i.dtype for i in signature.inputs.values()] != [tf.string]:
            return
        [name] = signature.inputs
        try:
            self.run(DEFAULT_SIGNATURE, {name: np.array([b""], object)})
        except ServingError as error:  # a model with required columns refuses an empty example
            logger.info("Version %d answers no empty example: %s", self.version, error)


def _signature_defs(version_dir: str) -> dict[str, SignatureDef]:
    with open(os.path.join(version_dir, "saved_model.pb"), "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for graph in saved_model.meta_graphs:
        if _SERVE_TAG in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    return {}


def _check(inputs: Mapping[str, np.ndarray], signature: SignatureDef) -> None:
    if inputs.keys() != signature.inputs.keys():
        extra = ", ".join(sorted(inputs.keys() - signature.inputs.keys()))
        missing = ", ".join(sorted(signature.inputs.keys() - inputs.keys()))
        raise invalid(
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)}. "
            f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
        )
    for name, value in inputs.items():
        info = signature.inputs[name]
        expected, dtype = tf.as_dtype(info.dtype), tf.as_dtype(value.dtype)
        if dtype != expected:
            raise invalid(f"Input {name!r} must be {expected.name}, not {dtype.name}")
        shape = tf.TensorShape(info.tensor_shape)
        if not shape.is_compatible_with(value.shape):
            raise invalid(f"Input {name!r} must have the shape {shape}, not {value.shape}")


class RowEncoder:
    """Encoder of rows of raw columns, as JSON has them, into serialized `tf.Example`s.

    TensorFlow Serving has no such thing: there a client makes the examples. Values are read like
    those of the training data, by the `Reading` that the version carries. Each column must be
    present, if only as null: a misspelt one would count as missing in each row, and the answer
    would look good.

    Attributes:
        types: The type, INT, FLOAT or BYTES, of each column that the model needs.
    """

    def __init__(self, reading: Reading, columns: Sequence[str]) -> None:
        """Takes the reading of the training data, and the columns that the model needs."""
        self.types: dict[str, str] = {name: reading.columns[name].type for name in columns}
        self._readers = {name: value_reader(reading.columns[name], reading) for name in columns}
        self._lists = {name: _LISTS[type_name] for name, type_name in self.types.items()}

    @classmethod
    def of(cls, version_dir: str) -> RowEncoder:
        """Reads the columns and the reading of a pushed version."""
        return cls(served_model.reading(version_dir), served_model.columns(version_dir))

    def read(self, rows: Sequence[Any]) -> list[Row]:
        """Reads the values of rows.

        Args:
            rows: One object a row: column -> value, null for an unknown value. Columns that the
                model does not need are ignored.

        Returns:
            The columns that have a value, of each row.

        Raises:
            ServingError: If a row is no object, lacks a column, or a value does not fit its type.
        """
        return [self._read(row, place) for place, row in enumerate(rows)]

    def encode(self, rows: Sequence[Row]) -> np.ndarray:
        """Encodes rows that `read` returned: an array of bytes objects, one example a row."""
        return np.array([self._encode(row) for row in rows], object)

    def _read(self, row: Any, place: int) -> Row:
        if not isinstance(row, Mapping):
            raise invalid(f"Example {place} must be an object: column name -> value")
        if missing := [name for name in self.types if name not in row]:
            raise invalid(
                f"Example {place} lacks columns that the model needs: {', '.join(missing)}. "
                "Where a value is not known, say null."
            )
        values = {}
        for name, read in self._readers.items():
            try:
                value = read(row[name])
            except ValueError:
                raise invalid(
                    f"Example {place}: {name!r} must be {_EXPECTED[self.types[name]]} or null, "
                    f"not {reprlib.repr(row[name])}"
                ) from None
            if value is not None:
                values[name] = value
        return values

    def _encode(self, row: Row) -> bytes:
        example = tf.train.Example()
        feature = example.features.feature
        for name, value in row.items():
            getattr(feature[name], self._lists[name]).value.append(value)
        return example.SerializeToString()


def _sample(items: Sequence[Item]) -> Sequence[Item]:
    """All of a few items, or a random sample of many."""
    if len(items) <= _COMPARED_ROWS:
        return items
    return random.sample(items, _COMPARED_ROWS)


def _first_values(serialized: bytes, names: Sequence[str]) -> Row:
    """First value of each of these features in a serialized `tf.Example`."""
    feature = tf.train.Example.FromString(serialized).features.feature
    values = {}
    for name in names:
        kind = feature[name].WhichOneof("kind") if name in feature else None
        if kind and (listed := getattr(feature[name], kind).value):
            values[name] = listed[0]
    return values


def _of_tensorflow(error: tf.errors.OpError) -> ServingError:
    """Converts an error of the model's graph, without the names of its nodes."""
    text = _NODES.sub("", error.message).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The reason comes after a heading about the node and its (unavailable) stack trace.
    starts = [place for place, line in enumerate(lines) if line.startswith("<stack traces")]
    reason = " ".join(lines[starts[-1] + 1 :] if starts else lines)
    return ServingError(_BY_NUMBER.get(error.error_code, grpc.StatusCode.UNKNOWN), reason)

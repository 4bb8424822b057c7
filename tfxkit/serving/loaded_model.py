"""One version of a model in memory: what its signatures take and give, and their call."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TypeAlias

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tfxkit.serving.errors import ServingError, invalid, of_tensorflow
from tfxkit.serving.rows import RowEncoder

logger = logging.getLogger("tfxkit.serving")

DEFAULT_SIGNATURE = "serving_default"
SERVE_TAG = "serve"

SignatureDef: TypeAlias = meta_graph_pb2.SignatureDef


class LoadedModel:
    """A version that can answer. Calls may come from many threads at once.

    Attributes:
        version: Its number.
        signature_defs: What SavedModel says of its signatures, by name.
        rows: Turns rows of raw columns into what `serving_default` takes.
    """

    def __init__(self, version_dir: str) -> None:
        """Loads the version and lets it answer once, so that the first client need not wait.

        Args:
            version_dir: A pushed version, see `storage.served_model`; its name is the number.

        Raises:
            Exception: Whatever TensorFlow raises if it cannot be loaded.
        """
        self.version = int(os.path.basename(version_dir))
        self.signature_defs = _signature_defs(version_dir)
        self.rows = RowEncoder.of(version_dir)
        self._loaded = tf.saved_model.load(version_dir)
        self._warm_up()

    def signature(self, name: str) -> tuple[str, SignatureDef]:
        """The name and the description of a signature; of the default one if no name is given.

        Raises:
            ServingError: If the model has none of this name.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self._loaded.signatures:
            there = ", ".join(sorted(self._loaded.signatures))
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found; there are: {there}',
            )
        return name, self.signature_defs[name]

    def run(self, signature_name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
            signature_name: One that `signature` has found.
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
            raise of_tensorflow(error) from error

    def _warm_up(self) -> None:
        signature = self.signature_defs.get(DEFAULT_SIGNATURE)
        if signature is None or [i.dtype for i in signature.inputs.values()] != [tf.string]:
            return
        [name] = signature.inputs
        try:
            self.run(DEFAULT_SIGNATURE, {name: np.array([b""], object)})
        except ServingError as error:  # one that must have all its columns answers no empty example
            logger.info("Version %d answers no empty example: %s", self.version, error)


def _signature_defs(version_dir: str) -> dict[str, SignatureDef]:
    with open(os.path.join(version_dir, "saved_model.pb"), "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for graph in saved_model.meta_graphs:
        if SERVE_TAG in graph.meta_info_def.tags:
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
        expected, got = tf.as_dtype(info.dtype), tf.as_dtype(value.dtype)
        if got != expected:
            raise invalid(f"Input {name!r} must be {expected.name}, not {got.name}")
        shape = tf.TensorShape(info.tensor_shape)
        if not shape.is_compatible_with(value.shape):
            raise invalid(f"Input {name!r} must have the shape {shape}, not {value.shape}")

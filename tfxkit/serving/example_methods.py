"""Classify and Regress: methods of signatures that say so, which Keras' exports do not.

Such a signature takes serialized `tf.Example`s as `inputs`; what comes out is called `classes`
and `scores`, or `outputs` (tensorflow/python/saved_model/signature_constants.py).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from tfxkit.serving.errors import invalid
from tfxkit.serving.json_tensors import is_binary, to_json
from tfxkit.serving.loaded_model import LoadedModel

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
RANKS = (1, 2)  # of what a regression gives: [batch] or [batch, 1]


def classify(
    model: LoadedModel, signature: str, examples: input_pb2.Input
) -> classification_pb2.ClassificationResult:
    """Labels and scores for each example; the label is empty if the model gives none.

    Raises:
        ServingError: If the signature is for something else.
    """
    outputs, rows = _run(model, signature, examples, CLASSIFY)
    classes, scores = outputs.get("classes"), outputs.get("scores")
    for values in (classes, scores):
        if values is not None and (values.ndim != len(("batch", "classes")) or len(values) != rows):
            raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {values.shape}")
    if classes is None and scores is None:
        raise invalid("Expected classification signature outputs to contain classes or scores")
    width = (scores if classes is None else classes).shape[1]  # type: ignore[union-attr]
    result = classification_pb2.ClassificationResult()
    for row in range(rows):
        one = result.classifications.add()
        for place in range(width):
            found = one.classes.add()
            if classes is not None:
                found.label = classes[row, place].decode(errors="replace")
            if scores is not None:
                found.score = scores[row, place]
    return result


def regress(
    model: LoadedModel, signature: str, examples: input_pb2.Input
) -> regression_pb2.RegressionResult:
    """A number for each example.

    Raises:
        ServingError: If the signature is for something else.
    """
    outputs, rows = _run(model, signature, examples, REGRESS)
    values = outputs.get("outputs")
    if values is None or values.ndim not in RANKS or values.size != rows:
        raise invalid("Expected one output Tensor 'outputs' of [batch_size] or [batch_size, 1]")
    result = regression_pb2.RegressionResult()
    for value in values.ravel():
        result.regressions.add(value=value)
    return result


def examples_of(document: Mapping[str, Any]) -> input_pb2.Input:
    """The `examples` and the `context` of a JSON body; the types of values are those of JSON.

    Raises:
        ServingError: If they have not this form.
    """
    examples = document.get("examples")
    if not isinstance(examples, list) or not examples:
        raise invalid("'examples' must be a list with at least one element")
    context = document.get("context", {})
    found = input_pb2.Input()
    for example in examples:
        if not isinstance(example, Mapping) or not isinstance(context, Mapping):
            raise invalid("An example, and the context, must be an object: feature -> value")
        added = found.example_list.examples.add()
        for name, value in {**context, **example}.items():
            _fill(added.features, name, value)
    return found


def classifications_to_json(result: classification_pb2.ClassificationResult) -> dict[str, Any]:
    """`{"results": [[[label, score], …], …]}`."""
    rows = [[(one.label, one.score) for one in row.classes] for row in result.classifications]
    return {"results": [[[label, _short(score)] for label, score in row] for row in rows]}


def regressions_to_json(result: regression_pb2.RegressionResult) -> dict[str, Any]:
    """`{"results": [number, …]}`."""
    return {"results": [_short(one.value) for one in result.regressions]}


def _run(
    model: LoadedModel, name: str, examples: input_pb2.Input, method: str
) -> tuple[dict[str, np.ndarray], int]:
    name, signature = model.signature(name)
    if signature.method_name != method:
        raise invalid(
            f"Expected signature method_name to be {method}. Was: {signature.method_name}"
        )
    rows = _serialized(examples)
    if not rows:
        raise invalid("Input is empty.")
    return model.run(name, {"inputs": np.array(rows, object)}), len(rows)


def _serialized(examples: input_pb2.Input) -> list[bytes]:
    if examples.WhichOneof("kind") != "example_list_with_context":
        return [one.SerializeToString() for one in examples.example_list.examples]
    found = []
    for one in examples.example_list_with_context.examples:
        whole = tf.train.Example()
        whole.CopyFrom(examples.example_list_with_context.context)
        whole.MergeFrom(one)
        found.append(whole.SerializeToString())
    return found


def _fill(features: tf.train.Features, name: str, value: Any) -> None:
    values = value if isinstance(value, list) else [value]
    try:
        feature = features.feature[name]
        if all(isinstance(one, int) for one in values):  # truth values, too
            feature.int64_list.value.extend(map(int, values))
        elif all(isinstance(one, float) for one in values):
            feature.float_list.value.extend(values)
        else:
            feature.bytes_list.value.extend(_bytes(one) for one in values)
    except UnicodeEncodeError as error:
        raise invalid(f"Feature {name!r} does not fit into UTF-8: {error}") from None
    except (TypeError, ValueError, binascii.Error):
        raise invalid(
            f"Feature {name!r} must be whole numbers, numbers with a point, or texts, not a mixture"
        ) from None


def _bytes(value: Any) -> bytes:
    if is_binary(value):
        return base64.b64decode(value["b64"], validate=True)
    if not isinstance(value, str):
        raise TypeError
    return value.encode()


def _short(value: float) -> float:
    return to_json("", np.array(value, np.float32))

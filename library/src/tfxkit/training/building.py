"""Construction of the owner's network, and refusal of one that cannot be trained or served.

A network is any `keras.Model` from a dict of features to predictions of shape [batch, outputs]. It
is tried on generated rows, so that a mistake shows in seconds, before the data is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import ModelSettings, TrainerConfig
from tfxkit.errors import ModelError
from tfxkit.features.model_inputs import Feature, Kind
from tfxkit.tracebacks import located

__all__ = ["BuildModel", "build"]

BuildModel = Callable[[Sequence[Feature], Dataset, ModelSettings], keras.Model]
"""Type of `build_model` in `models/network.py`."""
Batch = Mapping[str, tf.Tensor | np.ndarray]

_ROWS = 64  # generated to try a network
_TOLERANCE = 1e-3  # of probabilities that sum to 1
_OUTPUT = {
    Task.BINARY: "a probability for each row",
    Task.MULTICLASS: "a probability for each class",
    Task.REGRESSION: "a number for each row",
}


def build(
    build_model: BuildModel, features: Sequence[Feature], config: TrainerConfig
) -> keras.Model:
    """Builds the network and tries it on generated rows.

    Names and seeds of Keras are reset before, so that the same code gives the same names of layers,
    which identify weights, and the same weights in any process.

    Args:
        build_model: The owner's function.
        features: Inputs of the network.
        config: Description of the data, settings of the network and, of its training, the seed.

    Raises:
        ModelError: If the result is no `keras.Model`, takes inputs that are no features, or does
            not predict what the task needs.
    """
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(config.train.seed)
    model = build_model(features, config.dataset, config.model)
    if not isinstance(model, keras.Model):
        raise ModelError(
            f"build_model returned {type(model).__name__}; it must return a keras.Model"
        )
    names = [feature.name for feature in features]
    if unknown := [name for name in input_names(model, features) if name not in names]:
        raise ModelError(
            f"The network has inputs that no feature has: {', '.join(unknown)}. Inputs are named "
            f"after features; there are {', '.join(names)}"
        )
    check_predictions(model, features, random_rows(features), config.dataset)
    return model


def predict(model: keras.Model, features: Sequence[Feature], rows: Batch) -> tf.Tensor:
    """Predictions of a network, of shape [batch, outputs], as they are served.

    Args:
        model: The network.
        features: Its features.
        rows: Values of all features, and maybe of others, by name.
    """
    return model({name: rows[name] for name in input_names(model, features)}, training=False)


def input_names(model: keras.Model, features: Sequence[Feature]) -> list[str]:
    """Names of the features that a network takes: all, if it is a subclass without fixed inputs."""
    try:
        tensors = model.inputs
    except (AttributeError, ValueError):  # a subclass, or a Sequential without an Input
        return [feature.name for feature in features]
    if not isinstance(model, keras.Sequential) and isinstance(model.input, dict):
        return list(model.input)
    return [tensor.name for tensor in tensors]


def check_predictions(
    model: keras.Model, features: Sequence[Feature], rows: Batch, dataset: Dataset
) -> None:
    """Refuses a network whose predictions for some rows do not fit the task.

    Raises:
        ModelError: If it fails, if the shape is another than [batch, outputs], if a value is not
            finite, or if probabilities are not from 0 to 1 or, multiclass, do not sum to 1.
    """
    batch = len(next(iter(rows.values())))
    try:
        predictions = predict(model, features, rows)
    except Exception as error:  # of the owner's code
        message = f"{type(error).__name__}: {_reason(error)}"
        raise ModelError(
            located(f"The network fails on a first batch of rows: {message}", error)
        ) from error
    outputs = len(dataset.label.classes) if dataset.task is Task.MULTICLASS else 1
    needed = f"the task {dataset.task} needs [batch, {outputs}], {_OUTPUT[dataset.task]}"
    if not tf.is_tensor(predictions):
        raise ModelError(f"The network's output is a {type(predictions).__name__}; {needed}")
    if predictions.shape != (batch, outputs):
        shape = ["batch" if size == batch else str(size) for size in predictions.shape]
        raise ModelError(f"The network's output has the shape [{', '.join(shape)}]; {needed}")
    values = predictions.numpy()
    if not np.isfinite(values).all():
        raise ModelError("The network's output for a first batch of rows has NaN or infinity in it")
    if dataset.task is Task.REGRESSION:
        return
    low, high = values.min(), values.max()
    if low < 0 or high > 1:
        raise ModelError(
            f"The network's output for a first batch of rows is from {low:.3g} to {high:.3g}; the "
            f"task {dataset.task} needs {_OUTPUT[dataset.task]}, from 0 to 1: end it with the "
            f"activation {'sigmoid' if outputs == 1 else 'softmax'}"
        )
    if outputs > 1 and abs(values.sum(axis=1) - 1).max() > _TOLERANCE:
        raise ModelError(
            "The network's outputs for the classes do not sum to 1: end it with the activation "
            "softmax"
        )


def _reason(error: Exception) -> str:
    """Message of an exception on one line, without Keras' bold type and list of arguments."""
    message = str(error.args[0]) if error.args else str(error)
    message, _, _ = message.partition("Arguments received by")
    return " ".join(re.sub(r"\x1b\[\d+m", "", message).split())


def random_rows(features: Sequence[Feature]) -> dict[str, np.ndarray]:
    """Random values for each feature, the same in each call, of the type and shape of real rows."""
    random = np.random.default_rng(0)
    rows: dict[str, np.ndarray] = {}
    for feature in features:
        shape = (_ROWS, feature.length) if feature.length else (_ROWS,)
        if feature.kind in (Kind.CODE, Kind.CODES):
            rows[feature.name] = random.integers(0, feature.codes, shape)
        else:
            rows[feature.name] = random.random(shape, np.float32)
    return rows

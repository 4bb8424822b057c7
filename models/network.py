"""The network: vectors from features, then an ensemble whose members share most weights.

This file is yours to replace: `build_model` may return any `keras.Model` that maps a dict of
features to predictions of shape [batch, outputs]. docs/extending.md has a network in ten lines.

Two ideas from the literature on tabular data make this network about as good as gradient boosting:

* Piecewise linear encoding of ranks (Gorishniy et al. 2022, "On Embeddings for Numerical Features
  in Tabular Deep Learning"): piece i of n is 0 below i/n, 1 above (i+1)/n and linear between. As
  numbers are ranks, all pieces cover about the same number of rows.
* An ensemble whose members share most weights (Gorishniy et al. 2024, "TabM"). Each member has its
  own factors for the output of the first layer, and its own last layer. The first layer, which
  takes all inputs, is the same for all members, so it is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import ModelSettings
from tfxkit.features.model_inputs import Feature, Kind

from models.layers import Members, Pieces, SumOfKnown

_TEXT_FACTOR = 4  # length of a text's vector relative to the vector of a single value


def build_model(
    features: Sequence[Feature], dataset: Dataset, settings: ModelSettings
) -> keras.Model:
    """Builds the untrained network; this function is yours.

    Args:
        features: Descriptions of the inputs. The network takes a dict of tensors by feature name,
            of shape [batch], or [batch, length] for a feature with a length.
        dataset: The description of the data. Its task determines the outputs: a probability
            (binary), a probability per class (multiclass), or a number in standard deviations from
            the mean (regression).
        settings: The section `model` of the configuration.
    """
    inputs = {f.name: _input(f) for f in features}
    vectors = [_look_up(f, inputs[f.name], settings.embedding) for f in features if f.codes]
    ranks = [inputs[f.name] for f in features if f.kind is Kind.RANK]
    numbers = [inputs[f.name] for f in features if f.kind is Kind.NUMBER]
    if ranks:
        vectors.append(_embed(ranks, settings))
    if numbers:
        vectors.append(_normalize(numbers))
    hidden = _joined(vectors)
    for layer in range(settings.depth):
        if layer == min(1, settings.depth - 1):  # a single layer is not shared
            hidden = Members(settings.members)(hidden)
        hidden = _dense(hidden, settings)
    return Ensemble(keras.Model(inputs, _head(dataset, hidden, settings)))


class Ensemble(keras.Model):
    """Mean prediction of members, each trained on its own loss, so that they differ."""

    def __init__(self, members: keras.Model) -> None:
        """Takes a model that predicts [batch, members, outputs]."""
        super().__init__()
        self.members = members
        self._predictions: Any = None  # of the members, from call to compute_loss

    def call(
        self, features: dict[str, keras.KerasTensor], training: bool | None = None
    ) -> keras.KerasTensor:
        self._predictions = self.members(features, training=training)
        return ops.mean(self._predictions, axis=1)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> keras.KerasTensor:
        """Mean of the members' losses, so that each member corrects its own errors.

        The loss function gets each member's prediction for a row as a separate row, in the usual
        shape [rows, outputs].
        """
        predictions, self._predictions = self._predictions, None
        _, members, outputs = predictions.shape
        predictions = ops.reshape(predictions, (-1, outputs))
        labels = ops.repeat(ops.reshape(y, (-1, 1)), members, axis=0)
        if sample_weight is not None:
            sample_weight = ops.repeat(ops.reshape(sample_weight, (-1,)), members, axis=0)
        return super().compute_loss(x, labels, predictions, sample_weight, training)


def _input(feature: Feature) -> keras.KerasTensor:
    shape = (feature.length,) if feature.length else ()
    return keras.Input(shape, name=feature.name, dtype="int64" if feature.codes else "float32")


def _look_up(feature: Feature, codes: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """A code to a vector of shape [batch, size]; the codes of a text to a longer vector."""
    size *= _TEXT_FACTOR if feature.kind is Kind.CODES else 1
    vectors = keras.layers.Embedding(feature.codes, size, name=f"embedding.{feature.name}")(codes)
    return SumOfKnown()(vectors, codes) if feature.kind is Kind.CODES else vectors


def _embed(ranks: list[keras.KerasTensor], settings: ModelSettings) -> keras.KerasTensor:
    """Ranks of shape [batch] to one tensor [batch, ranks * embedding]."""
    pieces = Pieces(settings.bins)(ops.stack(ranks, axis=1))
    vectors = keras.layers.EinsumDense(
        "bnp,npe->bne", (len(ranks), settings.embedding), bias_axes="ne", activation="relu"
    )(pieces)
    return keras.layers.Flatten()(vectors)


def _normalize(numbers: list[keras.KerasTensor]) -> keras.KerasTensor:
    """Numbers and vectors on any scale to one tensor on a common scale."""
    columns = [n if len(n.shape) > 1 else n[:, None] for n in numbers]
    # A short memory: the moving mean starts at 0, possibly far from the numbers.
    return keras.layers.BatchNormalization(momentum=0.9)(_joined(columns))


def _joined(tensors: list[keras.KerasTensor]) -> keras.KerasTensor:
    return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate()(tensors)


def _dense(inputs: keras.KerasTensor, settings: ModelSettings) -> keras.KerasTensor:
    """A hidden layer. All members drop the same units, which saves random numbers."""
    hidden = keras.layers.Dense(settings.width, activation="relu")(inputs)
    batch, *members, width = hidden.shape
    mask = (batch, *(1 for _ in members), width)
    return keras.layers.Dropout(settings.dropout, noise_shape=mask)(hidden)


def _head(
    dataset: Dataset, hidden: keras.KerasTensor, settings: ModelSettings
) -> keras.KerasTensor:
    outputs, activation = {
        Task.BINARY: (1, "sigmoid"),
        Task.MULTICLASS: (len(dataset.label.classes), "softmax"),
        Task.REGRESSION: (1, "linear"),
    }[dataset.task]
    return keras.layers.EinsumDense(
        "bmw,mwo->bmo", (settings.members, outputs), bias_axes="mo", activation=activation
    )(hidden)

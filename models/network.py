"""The network: numbers and codes become vectors, then an ensemble that shares most of its weights.

Two ideas from the literature on tables make it about as good as gradient boosting here:

* Numbers enter in pieces (Gorishniy et al. 2022, "On Embeddings for Numerical Features in Tabular
  Deep Learning"): piece i of n is 0 below i/n, 1 above (i+1)/n and linear between. As numbers are
  ranks here (see `models.features`), each piece covers as many rows.
* The members of an ensemble share most of their weights (Gorishniy et al. 2024, "TabM"). Each has
  signs and factors of its own for what the layers above see, and a last layer of its own. They
  part after the first layer, not before it: that one, as wide as the inputs, is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from models.layers import Members, Pieces, SumOfKnown
from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import ModelSettings
from tfxkit.features.model_inputs import Feature

EMBEDDING = "embedding."  # before the name of a feature: the layer that looks its codes up
TEXT_FACTOR = 4  # a text says more than a value: so much longer is its vector
VIEWS = "views"  # the layer that shows each member its own view
UNITS = "units"  # the layer that turns outputs into units of the label; regression only


class Ensemble(keras.Model):
    """A model with an output for each member, of shape [batch, members, outputs].

    Each member learns on its own, so that they stay different; together they predict their mean.
    """

    def compute_loss(  # noqa: D102
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> keras.KerasTensor:
        labels = ops.repeat(ops.reshape(y, (-1, 1, 1)), y_pred.shape[1], axis=1)
        return super().compute_loss(x, labels, y_pred, sample_weight, training)

    def predict_mean(self, features: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
        """The prediction: of shape [batch, outputs]."""
        return ops.mean(self(features, training=False), axis=1)


def build_model(dataset: Dataset, features: Sequence[Feature], settings: ModelSettings) -> Ensemble:
    """Builds the untrained model.

    Args:
        dataset: Says by its task what comes out: a probability (binary), one for each class
            (multiclass) or a number (regression).
        features: What goes in: a dict of tensors of shape [batch], or [batch, length] for texts,
            keyed by their names.
        settings: The size of the network.
    """
    numbers = {f.name: keras.Input((), name=f.name) for f in features if not f.codes}
    codes = {
        f.name: keras.Input((f.length,) if f.length else (), name=f.name, dtype="int64")
        for f in features
        if f.codes
    }
    vectors = [_look_up(f, codes[f.name], settings.embedding) for f in features if f.codes]
    if numbers:
        vectors.append(_embed(list(numbers.values()), settings))
    hidden = vectors[0] if len(vectors) == 1 else keras.layers.Concatenate()(vectors)
    for layer in range(settings.depth):
        if layer == min(1, settings.depth - 1):  # an only layer is each member's own
            hidden = Members(settings.members, name=VIEWS)(hidden)
        hidden = _dense(hidden, settings)
    return Ensemble(numbers | codes, _head(dataset, hidden, settings))


def _look_up(feature: Feature, codes: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """A code to a vector, of shape [batch, size]; the codes of a text to a longer one."""
    assert feature.codes is not None  # noqa: S101 (for mypy)
    size *= TEXT_FACTOR if feature.length else 1
    vectors = keras.layers.Embedding(feature.codes, size, name=EMBEDDING + feature.name)(codes)
    return SumOfKnown()(vectors, codes) if feature.length else vectors


def _embed(numbers: list[keras.KerasTensor], settings: ModelSettings) -> keras.KerasTensor:
    """Numbers of shape [batch] to one tensor [batch, numbers * embedding]."""
    pieces = Pieces(settings.bins)(ops.stack(numbers, axis=1))
    vectors = keras.layers.EinsumDense(
        "bnp,npe->bne", (len(numbers), settings.embedding), bias_axes="ne", activation="relu"
    )(pieces)
    return keras.layers.Flatten()(vectors)


def _dense(inputs: keras.KerasTensor, settings: ModelSettings) -> keras.KerasTensor:
    """A hidden layer. All members drop the same units, which saves most of the random numbers."""
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
    predictions = keras.layers.EinsumDense(
        "bmw,mwo->bmo", (settings.members, outputs), bias_axes="mo", activation=activation
    )(hidden)
    if dataset.task is Task.REGRESSION:
        predictions = keras.layers.Normalization(axis=None, invert=True, name=UNITS)(predictions)
    return predictions

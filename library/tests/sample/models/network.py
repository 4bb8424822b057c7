"""The tests' own network: two layers of plain Keras, whatever `models/network.py` holds."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import ModelSettings
from tfxkit.features.model_inputs import Feature


def build_model(
    features: Sequence[Feature], dataset: Dataset, settings: ModelSettings
) -> keras.Model:
    inputs, columns = [], []
    for feature in features:
        values = keras.Input((feature.length or 1,), name=feature.name)
        inputs.append(values)
        if feature.codes:
            size = settings.embedding * (4 if feature.length else 1)
            known = keras.ops.cast(values > 0, "float32")[..., None]
            values = keras.ops.sum(layers.Embedding(feature.codes, size)(values) * known, axis=1)
        columns.append(values)
    hidden = layers.Concatenate()(columns) if len(columns) > 1 else columns[0]
    for _ in range(settings.depth):
        hidden = layers.Dense(settings.width, "relu")(hidden)
        hidden = layers.Dropout(settings.dropout)(hidden)
    outputs, activation = {
        Task.BINARY: (1, "sigmoid"),
        Task.MULTICLASS: (len(dataset.label.classes), "softmax"),
        Task.REGRESSION: (1, None),
    }[dataset.task]
    return keras.Model(inputs, layers.Dense(outputs, activation)(hidden))

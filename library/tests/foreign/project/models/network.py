"""Wide & deep: one-hot codes go straight to the output, everything goes through two layers."""

import keras
from keras import layers


def build_model(features, dataset, settings):
    inputs, wide, deep = [], [], []
    for feature in features:
        x = keras.Input((feature.length or 1,), name=feature.name)
        inputs.append(x)
        if feature.codes:
            wide.append(layers.CategoryEncoding(feature.codes, "multi_hot")(x))
            deep.append(layers.GlobalAveragePooling1D()(layers.Embedding(feature.codes, 4)(x)))
        else:
            deep.append(layers.BatchNormalization()(x))
    x = layers.Concatenate()(deep)
    x = layers.Dense(settings.width, "relu", name="deep_1")(x)
    x = layers.Dense(settings.width, "relu", name="deep_2")(x)
    x = layers.Concatenate()([x, *wide])
    return keras.Model(inputs, layers.Dense(1, "sigmoid", name="wide_and_deep")(x))

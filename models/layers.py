"""Layers for `models/network.py` that Keras lacks. Delete this file if you replace that network."""

from __future__ import annotations

import keras
from keras import ops
from tfxkit.features.model_inputs import MISSING_CODE


class Pieces(keras.layers.Layer):
    """Ranks in pieces, with a flag for missing values: [batch, n] to [batch, n, pieces + 1]."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def call(self, ranks: keras.KerasTensor) -> keras.KerasTensor:
        ranks = ranks[..., None]
        starts = ops.arange(self.pieces, dtype="float32")
        pieces = ops.clip(ranks * self.pieces - starts, 0, 1)
        return ops.concatenate([pieces, ops.cast(ranks < 0, "float32")], axis=-1)


class SumOfKnown(keras.layers.Layer):
    """Sum of the vectors whose codes are not 0: [batch, n, size] to [batch, size].

    The sum is divided by the square root of the number of vectors, so that sums of long and short
    texts have about the same size.
    """

    def call(self, vectors: keras.KerasTensor, codes: keras.KerasTensor) -> keras.KerasTensor:
        known = ops.cast(codes != MISSING_CODE, "float32")
        number = ops.maximum(ops.sum(known, axis=1, keepdims=True), 1.0)
        return ops.sum(vectors * known[..., None], axis=1) / ops.sqrt(number)


class Members(keras.layers.Layer):
    """A view of the inputs for each member: [batch, inputs] to [batch, members, inputs]."""

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.factors = self.add_weight(
            shape=(self.members, input_shape[-1]), initializer=random_signs, name="factors"
        )

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs[:, None, :] * self.factors


def random_signs(shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
    """Initializer with the values 1 and -1."""
    return ops.sign(keras.random.uniform(shape, -1, 1, dtype=dtype))

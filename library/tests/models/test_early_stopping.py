"""A training ends when the loss falls by next to nothing, and that means the same in any unit."""

import keras
import numpy as np
import pytest

from tfxkit.training.job import RelativeEarlyStopping


@pytest.mark.parametrize("unit", [1.0, 1e-4, 1e4])
@pytest.mark.parametrize(("share_per_epoch", "epochs"), [(0.0001, 4), (0.01, 30)])
def test_a_loss_has_to_fall_by_a_thousandth(unit, share_per_epoch, epochs):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    # Of (y - w)² a step takes the share 2 * learning rate off y - w, and twice that off the loss.
    model.compile(keras.optimizers.SGD(share_per_epoch / 4), "mse")
    model.layers[0].kernel.assign([[0.0]])
    x, y = np.ones((1, 1)), np.full((1, 1), unit)
    history = model.fit(
        x, y, validation_data=(x, y), epochs=30, verbose=0, callbacks=[RelativeEarlyStopping(3)]
    )
    assert len(history.history["loss"]) == epochs


def test_a_perfect_model_ends_its_training_too():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.5), "mse")  # one step is all that it takes
    x = np.ones((1, 1))
    history = model.fit(
        x, x, validation_data=(x, x), epochs=30, verbose=0, callbacks=[RelativeEarlyStopping(2)]
    )
    assert history.history["val_loss"][-1] == 0
    assert len(history.history["loss"]) < 10

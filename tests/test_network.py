"""The network in `models/network.py`, compiled as in `models/training.py`, on random inputs."""

from __future__ import annotations

import numpy as np
import pytest
from tfxkit.testing import random_batch

from models.training import create_model


@pytest.fixture
def network(job):
    return create_model(job)  # raises if the outputs do not suit the task


def test_a_step_of_the_training_changes_the_weights(job, network):
    inputs, labels = random_batch(job, network)
    before = network.get_weights()
    loss = network.train_on_batch(inputs, labels)
    assert np.isfinite(loss).all()
    assert any((old != new).any() for old, new in zip(before, network.get_weights(), strict=True))


def test_the_same_row_gets_the_same_prediction_twice(job, network):
    """Dropout, noise and the like belong to training."""
    inputs, _ = random_batch(job, network)
    first, second = (np.asarray(network(inputs, training=False)) for _ in range(2))
    np.testing.assert_array_equal(first, second)

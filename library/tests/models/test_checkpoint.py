"""The state of a training outlives its process, in a folder or on S3, and is cleared by run."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tfx.components.trainer.fn_args_utils import FnArgs

from tests.models.conftest import SMALL
from tfxkit.config.settings import TrainerConfig
from tfxkit.storage.filesystems import fileio
from tfxkit.training.job import Checkpoint, TrainingJob


@pytest.fixture(params=["in a folder", "on S3"])
def folder(request, tmp_path) -> str:
    return str(tmp_path) if request.param == "in a folder" else request.getfixturevalue("s3")


def train(directory: str, epochs: int, units: int = 1) -> tuple[keras.Model, Checkpoint]:
    keras.utils.set_random_seed(1)  # 0 would break tests behind
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(units)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    x, y = np.eye(2), np.ones((2, units))
    checkpoint = Checkpoint(directory, patience=9)
    done = checkpoint.restore(model)
    model.fit(
        x, y, initial_epoch=done, epochs=epochs, validation_data=(x, y), verbose=0,
        callbacks=[checkpoint],
    )  # fmt: skip
    return model, checkpoint


def test_a_training_goes_on_where_it_was_killed(folder):
    whole, _ = train(f"{folder}/whole/a", 4)
    train(f"{folder}/run/a", 2)
    resumed, checkpoint = train(f"{folder}/run/a", 4)
    assert len(checkpoint.history["loss"]) == 4
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_the_state_of_another_network_is_left(folder, caplog):
    train(f"{folder}/run/a", 2)
    _, checkpoint = train(f"{folder}/run/a", 3, units=2)
    assert len(checkpoint.history["loss"]) == 3
    assert "of another network: the training begins anew" in caplog.text


def test_clearing_takes_all_states_of_the_run_and_of_no_other(folder):
    train(f"{folder}/run-2/a", 1)
    train(f"{folder}/run-1/killed", 1)
    _, checkpoint = train(f"{folder}/run-1/a", 1)
    checkpoint.clear()
    assert not fileio.exists(f"{folder}/run-1")
    assert fileio.exists(f"{folder}/run-2/a/state.npz")
    checkpoint.clear()  # and once more does no harm


def test_each_run_has_a_folder_of_its_own_and_finds_it_again_from_any_machine():
    data = {"task": "binary", "label": {"column": "y"}, "columns": SMALL}
    custom = {"dataset": data, "model": {}, "train": {}, "checkpoint_dir": "gs://bucket/states"}
    config = TrainerConfig.from_custom_config(custom)

    def folder(files: str, **more: str) -> str:
        args = FnArgs(train_files=[files], custom_config=custom | more)
        return TrainingJob(args, config, None, []).checkpoint.directory

    here = folder("/here/train/*")
    assert here.startswith("gs://bucket/states/") and here.count("/") == 4
    assert here == folder("/here/train/*") != folder("/there/train/*")

    run = folder("/here/train/*", checkpoint_run="run-1")
    assert run.startswith("gs://bucket/states/run-1/") and run.count("/") == 5
    assert run == folder("/there/train/*", checkpoint_run="run-1")
    assert run != folder("/here/train/*", checkpoint_run="run-1", code_hash="other")

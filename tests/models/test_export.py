"""What makes two exported models the same, and whether an export is what was trained."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.serving_check.verdict import TOLERANCE, difference
from models.network import Ensemble, build_model
from tests.models.conftest import SMALL, Transformed, fn_args
from tfxkit.config.settings import TrainerConfig
from tfxkit.features.model_inputs import model_features
from tfxkit.training import export

WEIGHTS = [np.zeros((2, 3), np.float32), np.ones(3, np.float32)]
TRAINING = {"code_hash": "0", "transform": "0", "seconds": 1.0}
CONFIG = {
    "dataset": {"task": "binary", "label": {"column": "y"}, "columns": SMALL},
    "model": {},
    "train": {},
}


def fingerprint(weights=WEIGHTS, schema="", train=(), **training):
    config = TrainerConfig.model_validate({**CONFIG, "train": dict(train)})
    return export._fingerprint(weights, config, schema, {**TRAINING, **training})


def test_a_model_trained_again_has_the_same_fingerprint():
    assert fingerprint() == fingerprint(seconds=2.0)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [WEIGHTS[0], WEIGHTS[1] + 1e-6]},
        {"schema": "feature {}"},
        {"train": {"seed": 2}},
        {"code_hash": "1"},
        {"transform": "1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_model_has_another_fingerprint(change):
    assert fingerprint(**change) != fingerprint()


def written(hard: Transformed, folder: Path) -> tuple[str, keras.Model, TrainerConfig]:
    """An untrained model, exported: its members differ, as they begin at random."""
    keras.utils.set_random_seed(1)
    config = TrainerConfig.from_custom_config(fn_args(hard, folder).custom_config)
    model = build_model(config.dataset, model_features(hard.output), config.model)
    export.export(
        model, hard.output, config, schema="", training=TRAINING, directory=str(folder / "model")
    )
    return str(folder / "model"), model, config


def distance(model_dir: str, hard: Transformed) -> float:
    """How far the export is from the model that is built again, as ServingCheck measures it."""
    serve = tf.saved_model.load(model_dir).signatures["serving_default"]
    (served,) = serve(examples=tf.constant(hard.examples)).values()
    return difference(served.numpy(), export.rebuild(model_dir, hard.graph)(hard.examples))


@pytest.mark.slow
def test_weights_other_than_those_of_the_export_are_found(hard, tmp_path):
    model_dir, model, config = written(hard, tmp_path)
    assert distance(model_dir, hard) <= TOLERANCE
    model.set_weights([weight + 1e-3 for weight in model.get_weights()])
    # The SavedModel only: the weights beside it stay those of before.
    export._write_saved_model(model, hard.output, config.dataset, model_dir)
    assert distance(model_dir, hard) > TOLERANCE


@pytest.mark.slow
def test_a_mistake_of_the_export_is_found(hard, tmp_path, monkeypatch):
    def first_member(self, features):
        return self(features, training=False)[:, 0]

    monkeypatch.setattr(Ensemble, "predict_mean", first_member)
    model_dir, *_ = written(hard, tmp_path)
    assert distance(model_dir, hard) > TOLERANCE

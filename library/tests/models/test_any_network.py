"""Networks of any kind, trained on a few rows, exported, built again, and started from."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.models.conftest import SMALL, fn_args, small_frame, transform
from tfxkit.config.dataset import Dataset
from tfxkit.errors import ModelError
from tfxkit.storage import served_model
from tfxkit.training import export
from tfxkit.training.building import build
from tfxkit.training.fitting import compile_model, fit
from tfxkit.training.job import TrainingJob

pytestmark = pytest.mark.slow
ROWS = 300


def data(directory: Path, task: str, make_label: Callable[[Any], Any]):
    dataset = Dataset.model_validate({"task": task, "label": {"column": "y"}, "columns": SMALL})
    frame = small_frame(ROWS)
    score = frame["x"].astype(float) + (frame["word"] == "a")
    frame["y"] = make_label(score).astype(object)
    return transform(dataset, frame, directory)


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    return data(tmp_path_factory.mktemp("binary"), "binary", lambda s: (s > 0.5).astype(int))


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """Labels far from 0: 19,000 to 21,000."""
    return data(tmp_path_factory.mktemp("regression"), "regression", lambda s: 20_000 + 300 * s)


@dataclasses.dataclass(frozen=True)
class Training:
    """The parts of `run_fn` that a project's owner may change."""

    build_model: Callable[..., keras.Model]
    compile_arguments: Callable[[], dict[str, Any]] = dict
    class_weight: dict[int, float] | None = None
    standardize_labels: bool = True

    def run(self, args) -> str:
        job = TrainingJob.begin(args)
        model = build(self.build_model, job.features, job.config)
        compile_model(model, job, **self.compile_arguments())
        rows = job.read(standardize_labels=self.standardize_labels)
        job.warm_start(model)
        fitted = fit(model, job, rows, class_weight=self.class_weight)
        export.export(model, job, rows, fitted)
        job.checkpoint.clear()
        return args.serving_model_dir

    def rebuilt(self, model_dir: str, transformed) -> np.ndarray:
        return export.rebuild(self.build_model, model_dir, transformed.graph)(transformed.examples)


def two_layers(features, dataset, settings, last="sigmoid"):
    """Of the rank alone."""
    [rank] = [keras.Input((1,), name=f.name) for f in features if f.name.endswith("rank")]
    return keras.Sequential([rank, layers.Dense(16, "relu"), layers.Dense(1, last)])


class Subclass(keras.Model):
    """With a look-up, a norm whose state is learned, and a loss on its activity."""

    def __init__(self, features):
        super().__init__()
        self.codes = {f.name: layers.Embedding(f.codes, 2) for f in features if f.codes}
        self.norm = layers.BatchNormalization()
        self.last = layers.Dense(1, "sigmoid", activity_regularizer=keras.regularizers.L2(1e-4))

    def call(self, features, training=None):
        vectors = [layer(features[name]) for name, layer in self.codes.items()]
        others = [v[:, None] for name, v in features.items() if name not in self.codes]
        hidden = self.norm(keras.ops.concatenate([*vectors, *others], axis=1), training=training)
        return self.last(hidden)


def compiled(features, dataset, settings):
    model = Subclass(features)
    model.compile(keras.optimizers.SGD(0.2), keras.losses.BinaryFocalCrossentropy())
    return model


class MeanDifference(keras.losses.Loss):
    """Nobody registered it; with labels [batch] it would compare each row with each other."""

    def call(self, y_true, y_pred):
        return keras.ops.abs(keras.ops.cast(y_true, y_pred.dtype) - y_pred)


TRAININGS = {
    "two layers": Training(two_layers),
    "subclass": Training(lambda features, dataset, settings: Subclass(features)),
    "compiled by build_model": Training(compiled),
    "own loss and optimizer": Training(
        lambda features, dataset, settings: Subclass(features),
        lambda: {"loss": MeanDifference(), "optimizer": keras.optimizers.RMSprop(0.01)},
        class_weight={0: 1.0, 1: 2.0},
    ),
}


def predict(model_dir: str, transformed) -> np.ndarray:
    signature = tf.saved_model.load(model_dir).signatures["serving_default"]
    (predictions,) = signature(examples=tf.constant(transformed.examples)).values()
    return predictions.numpy()


def history(model_dir: str) -> list[float]:
    return served_model.read_json(model_dir, served_model.TRAINING)["history"]["val_loss"]


@pytest.mark.parametrize("name", TRAININGS)
def test_it_is_trained_exported_built_again_and_started_from(name, binary, tmp_path, caplog):
    training = TRAININGS[name]
    settings = {"epochs": 12, "learning_rate": 0.02}
    model_dir = training.run(fn_args(binary, tmp_path / "first", **settings))
    predictions = predict(model_dir, binary)
    assert predictions.std() > 0.05
    np.testing.assert_allclose(training.rebuilt(model_dir, binary), predictions, atol=1e-5)

    with caplog.at_level(logging.INFO, "tfxkit.training"):
        again = fn_args(
            binary, tmp_path / "again", base_model=model_dir, warm_start=True, epochs=1, seed=9
        )
        warm = training.run(again)
    assert "Started from the weights of the model being served" in caplog.text
    assert "at random" not in caplog.text
    assert history(warm)[0] < history(model_dir)[0]


def test_a_killed_training_of_a_subclass_goes_on_and_ends_the_same(binary, tmp_path):
    training = TRAININGS["subclass"]
    whole = training.run(fn_args(binary, tmp_path / "whole", epochs=3))

    args = fn_args(binary, tmp_path / "killed", epochs=3)
    job = TrainingJob.begin(args)
    model = build(training.build_model, job.features, job.config)
    compile_model(model, job)
    rows = job.read()
    job.checkpoint.on_epoch_end = kill_after(job.checkpoint.on_epoch_end, 2)
    with pytest.raises(KeyboardInterrupt):
        fit(model, job, rows)
    resumed = training.run(args)
    assert history(resumed) == history(whole)
    assert served_model.fingerprint(resumed) == served_model.fingerprint(whole)


def kill_after(method, epochs):
    def killed(epoch, logs=None):
        method(epoch, logs)
        if epoch + 1 == epochs:
            raise KeyboardInterrupt

    return killed


def test_any_network_learns_a_label_of_any_unit(regression, tmp_path):
    training = Training(lambda *args: two_layers(*args, last=None))
    args = fn_args(regression, tmp_path, epochs=20, learning_rate=0.02)
    model_dir = training.run(args)
    predictions = predict(model_dir, regression)
    np.testing.assert_allclose(training.rebuilt(model_dir, regression), predictions, rtol=1e-5)
    assert abs(predictions.mean() - 20_180) < 60
    assert 150 < predictions.std() < 450
    assert history(model_dir)[0] < 5  # in standard deviations, squared


def test_a_network_may_predict_in_units_of_the_label_itself(regression, tmp_path):
    def positive(features, dataset, settings):
        return two_layers(features, dataset, settings, last="exponential")

    training = Training(positive, lambda: {"loss": "poisson"}, standardize_labels=False)
    model_dir = training.run(fn_args(regression, tmp_path, epochs=30, learning_rate=0.2))
    predictions = predict(model_dir, regression)
    assert predictions.min() > 0
    np.testing.assert_allclose(training.rebuilt(model_dir, regression), predictions, rtol=1e-5)
    assert predictions.mean() > 1000


def test_a_wrong_network_is_refused_before_the_rows_are_read(binary, tmp_path):
    def members(features, dataset, settings):
        model = two_layers(features, dataset, settings)
        model.add(layers.Reshape((1, 1)))
        return model

    args = fn_args(binary, tmp_path)
    args.train_files = ["/nowhere"]
    with pytest.raises(ModelError, match=r"has the shape \[batch, 1, 1\]"):
        Training(members).run(args)

"""Exported models: equality of two, and predictions equal to those of the trained model."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.models.conftest import fn_args
from tests.sample.models.network import build_model
from tfxkit.components.serving_check.verdict import TOLERANCE, difference
from tfxkit.training import export, weights
from tfxkit.training.building import build
from tfxkit.training.fitting import Fitted
from tfxkit.training.input_pipeline import LabelScale
from tfxkit.training.job import TrainingJob
from tfxkit.training.weights import Weights

pytestmark = pytest.mark.slow
FITTED = Fitted({"loss": [1.0], "val_loss": [1.0]}, best_epoch=1, seconds=1.0)


@dataclasses.dataclass(frozen=True)
class Data:
    """Stands for the rows."""

    digest: str = "0"
    label_scale: LabelScale = LabelScale()  # noqa: RUF009


def job(hard, folder, **changes):
    return TrainingJob.begin(fn_args(hard, folder, **changes))


def fingerprint(job, added=0.0, scale=LabelScale(), **training):  # noqa: B008
    learned = Weights({"a/kernel": np.full((2, 3), 1 + added, "float32")}, {}, {}, "", scale)
    return export.fingerprint(learned, job, {"code_hash": "0", "transform": "0", **training})


def test_only_what_makes_another_model_changes_the_fingerprint(hard, tmp_path):
    same = job(hard, tmp_path)
    (tmp_path / "schema").write_text("feature {}")
    other_schema = job(hard, tmp_path)
    other_schema.fn_args.schema_path = str(tmp_path / "schema")
    reference = fingerprint(same)
    assert reference == fingerprint(same, seconds=2.0)
    others = {
        fingerprint(same, added=1e-6),
        fingerprint(same, scale=LabelScale(0.0, 1000.0)),
        fingerprint(same, code_hash="1"),
        fingerprint(same, transform="1"),
        fingerprint(job(hard, tmp_path, seed=2)),
        fingerprint(other_schema),
    }
    assert len(others - {reference}) == 6


class Custom(layers.Layer):
    """A layer that nobody registered, with a state that is no weight of a matrix."""

    def __init__(self):
        super().__init__()
        self.factor = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs):
        return inputs * self.factor


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = (
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dense(1, "sigmoid"),
        )
        self.factor = Custom()

    def call(self, features, training=None):
        ranks = [value for name, value in features.items() if name.endswith("rank")]
        hidden = self.first(keras.ops.stack(ranks, axis=1))
        return self.last(self.factor(self.second(hidden, training=training)))


NETWORKS = {"functional": build_model, "subclass": lambda *_: Subclass()}


def exported(build_model, hard, folder):
    """An untrained network, exported with weights at random; and how far the rebuilt one is."""
    of = job(hard, folder)
    model = build(build_model, of.features, of.config)
    random = np.random.default_rng(0)
    model.set_weights([w + random.uniform(-0.05, 0.05, w.shape) for w in model.get_weights()])
    export.export(model, of, Data(), FITTED)
    return of.fn_args.serving_model_dir, model, of


def distance(build_model, model_dir, hard):
    serve = tf.saved_model.load(model_dir).signatures["serving_default"]
    (served,) = serve(examples=tf.constant(hard.examples)).values()
    rebuilt = export.rebuild(build_model, model_dir, hard.graph)(hard.examples)
    assert served.numpy().std() > 0.01
    return difference(served.numpy(), rebuilt)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_network_built_again_predicts_the_same(network, hard, tmp_path):
    build_model = NETWORKS[network]
    model_dir, model, of = exported(build_model, hard, tmp_path)
    assert distance(build_model, model_dir, hard) <= TOLERANCE
    # The weights file only: the SavedModel beside it stays that of before.
    model.set_weights([weight + 1e-2 for weight in model.get_weights()])
    changed = Weights.of(model, of.features, of.config.dataset, LabelScale())
    weights.write(changed, model_dir)
    assert distance(build_model, model_dir, hard) > TOLERANCE

"""A training begins with the served weights that fit by name and shape, and says which do not."""

from __future__ import annotations

import dataclasses
import logging

import keras
import numpy as np
import pytest
from keras import layers

from tests.models.test_building import config
from tfxkit.config.settings import TrainerConfig
from tfxkit.errors import ModelError
from tfxkit.features.model_inputs import FIRST_WORD_CODE, Feature, Kind
from tfxkit.training import weights
from tfxkit.training.building import build
from tfxkit.training.input_pipeline import LabelScale
from tfxkit.training.weights import Weights

WORDS = (b"a", b"b\0\n", "größe".encode(), b"")
FARE = Feature("fare.rank", Kind.RANK)
WORD = Feature("word.code", Kind.CODE, codes=FIRST_WORD_CODE + 4, vocabulary=WORDS)
OTHER = Feature("other.code", Kind.CODE, codes=FIRST_WORD_CODE + 4, vocabulary=WORDS)
HASHED = Feature("hashed.code", Kind.CODE, codes=7, fixed=True)
PLAIN = Feature("plain", Kind.CODE, codes=7)  # codes that mean what they mean in one run only
FEATURES = [FARE, WORD, OTHER, HASHED, PLAIN]


class Network(keras.Model):
    """A subclass whose layers have no names of their own."""

    def __init__(self, features, settings):
        super().__init__()
        self.vectors = {f.name: layers.Embedding(f.codes, 3) for f in features if f.codes}
        self.hidden = [layers.Dense(settings.width) for _ in range(settings.depth)]
        self.last = layers.Dense(1, "sigmoid")

    def call(self, features):
        hidden = keras.ops.concatenate(
            [layer(features[name]) for name, layer in self.vectors.items()], axis=1
        )
        hidden *= features[FARE.name][:, None]
        for layer in self.hidden:
            hidden = layer(hidden)
        return self.last(hidden)


def network(features=FEATURES, seed=1, **settings):
    changed = {"train": {"seed": seed}, "model": {"width": 4, "depth": 2, **settings}}
    values = config().to_json() | changed
    return build(
        lambda features, dataset, settings: Network(features, settings),
        features,
        TrainerConfig.model_validate(values),
    )


def of(model, features=FEATURES, dataset=config().dataset, scale=LabelScale()):  # noqa: B008
    return Weights.of(model, features, dataset, scale)


@pytest.fixture
def served(tmp_path):
    """A model whose weights are written; they are other ones than those of `network()`."""
    model = network(seed=2)
    weights.write(of(model, scale=LabelScale(3.5, 0.25)), str(tmp_path))
    return str(tmp_path), model


def start(served, caplog, features=FEATURES, dataset=config().dataset, **settings):  # noqa: B008
    """A new network, before and after it has started from the served model; and the log."""
    model = network(features, **settings)
    before = of(model, features).variables
    with caplog.at_level(logging.INFO, weights.__name__):
        weights.start_from(served[0], model, features, dataset)
    return before, of(model, features).variables, caplog.text


def test_what_is_written_is_read(served):
    folder, model = served
    read = weights.read(folder)
    assert read.vocabularies == {"word.code": WORDS, "other.code": WORDS}
    assert read.label_scale == LabelScale(3.5, 0.25)
    again = network(seed=3)
    read.assign_to(again)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_of_another_architecture_are_not_assigned(served):
    with pytest.raises(ModelError, match=r"do not fit the network: .*dense_1/kernel"):
        weights.read(served[0]).assign_to(network(width=5))


def test_all_that_fits_is_taken_over_and_no_code_that_meant_something_else(served, caplog):
    before, after, log = start(served, caplog)
    old = of(served[1]).variables
    [plain] = [path for path, feature in of(served[1]).tables.items() if feature == PLAIN.name]
    for path, value in after.items():
        np.testing.assert_array_equal(value, before[path] if path == plain else old[path])
    reason = f"at random, for the values behind their codes are not known: {plain}"
    assert f"{len(after) - 1} of {len(after)}; {reason}" in log
    assert "shape or name is new" not in log


def test_what_was_learned_of_a_word_follows_it_to_its_new_code(served, caplog):
    words = ("größe".encode(), b"new", b"a", b"newer", b"b\0\n")
    codes = FIRST_WORD_CODE + len(words)
    changed = dataclasses.replace(WORD, codes=codes, vocabulary=words)
    features = [changed if feature == WORD else feature for feature in FEATURES]
    before, after, _ = start(served, caplog, features)
    old = of(served[1])
    [path] = [path for path, feature in old.tables.items() if feature == WORD.name]
    np.testing.assert_array_equal(after[path][:FIRST_WORD_CODE], old.variables[path][:2])
    for code, word in enumerate(words, start=FIRST_WORD_CODE):
        known = word in WORDS
        row = old.variables[path][FIRST_WORD_CODE + WORDS.index(word)] if known else None
        np.testing.assert_array_equal(after[path][code], row if known else before[path][code])


def test_a_layer_that_is_new_or_wider_starts_at_random(served, caplog):
    before, after, log = start(served, caplog, width=5)
    old = of(served[1]).variables
    kept = [path for path in after if "embedding" in path]
    for path in kept[:3]:
        np.testing.assert_array_equal(after[path], old[path])
    random = [path for path in after if path.endswith("kernel")]
    for path in random:
        np.testing.assert_array_equal(after[path], before[path])
        assert path in log


@pytest.mark.parametrize(
    "change",
    [
        {"features": FEATURES[::-1]},
        {"features": [dataclasses.replace(FARE, kind=Kind.NUMBER), *FEATURES[1:]]},
        {"dataset": config(positive="yes").dataset},
    ],
    ids=["order", "kind", "label"],
)
def test_weights_that_mean_something_else_are_left(served, caplog, change):
    before, after, log = start(served, caplog, **change)
    assert "Trained from zero: label or features of the served model are others" in log
    for path, value in after.items():
        np.testing.assert_array_equal(value, before[path])


def test_without_a_served_model_nothing_is_taken_over(tmp_path, caplog):
    *_, log = start((str(tmp_path / "nowhere"), None), caplog)
    assert "Trained from zero: no model" in log


def test_one_hot_codes_that_moved_are_named(tmp_path, caplog):
    """There is no row for each of them to move."""

    def one_hot(features, dataset, settings):
        word = keras.Input((1,), name=WORD.name, dtype="int64")
        encoded = layers.CategoryEncoding(WORD.codes)(word)
        return keras.Model([word], layers.Dense(1, "sigmoid")(encoded))

    model = build(one_hot, [WORD], config())
    weights.write(of(model, [WORD]), str(tmp_path))
    moved = dataclasses.replace(WORD, vocabulary=WORDS[::-1])
    with caplog.at_level(logging.INFO, weights.__name__):
        weights.start_from(
            str(tmp_path), build(one_hot, [moved], config()), [moved], config().dataset
        )
    assert "The values of word.code have other codes now" in caplog.text

"""Any Keras network is built; one that cannot be trained or served is refused before it is."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from tfxkit.config.settings import TrainerConfig
from tfxkit.errors import ModelError
from tfxkit.features.model_inputs import Feature, Kind
from tfxkit.training.building import build, predict, random_rows

FEATURES = [
    Feature("fare.rank", Kind.RANK),
    Feature("miles", Kind.NUMBER),
    Feature("place", Kind.NUMBER, length=2),
    Feature("company.code", Kind.CODE, codes=5),
    Feature("remark.words", Kind.CODES, codes=9, length=4),
]
CLASSES = ["u", "v", "w"]


def config(task="binary", **label):
    if task == "multiclass":
        label["classes"] = CLASSES
    columns = {"x": {"role": "numeric"}}
    dataset = {"task": task, "label": {"column": "y", **label}, "columns": columns}
    return TrainerConfig.model_validate({"dataset": dataset, "model": {}, "train": {}})


def last(dataset):
    """The usual last layer."""
    activation = {"binary": "sigmoid", "multiclass": "softmax", "regression": None}
    return layers.Dense(max(len(dataset.label.classes), 1), activation[dataset.task])


def of_a_list(features, dataset, settings):
    """Inputs in a list, [batch, 1] each, as most examples of Keras have them."""
    inputs = [keras.Input((f.length or 1,), name=f.name) for f in features]
    return keras.Model(inputs, last(dataset)(layers.Concatenate()(inputs)))


def of_some(features, dataset, settings):
    """Inputs in a dict, and not one for each feature."""
    inputs = {f.name: keras.Input((), name=f.name) for f in features if not f.length}
    stacked = keras.ops.stack(list(inputs.values()), axis=1)
    return keras.Model(inputs, last(dataset)(stacked))


def of_one(features, dataset, settings):
    return keras.Sequential([keras.Input((1,), name="miles"), last(dataset)])


class Mlp(keras.Model):
    """Two layers; no inputs of its own, and a `call` that knows no `training`."""

    def __init__(self, dataset):
        super().__init__()
        self.hidden, self.last = layers.Dense(4, "relu"), last(dataset)

    def call(self, features):
        return self.last(self.hidden(keras.ops.stack([features["miles"]], axis=1)))


class Flat(layers.Layer):
    def call(self, features):
        return features["place"]


NETWORKS = {
    "functional, a list": of_a_list,
    "functional, some features": of_some,
    "sequential": of_one,
    "sequential, inputs unnamed": lambda features, dataset, settings: keras.Sequential(
        [Flat(), last(dataset)]
    ),
    "subclass": lambda features, dataset, settings: Mlp(dataset),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3), ("regression", 1)])
def test_any_network_predicts_batch_by_outputs(network, task, outputs):
    model = build(NETWORKS[network], FEATURES, config(task))
    rows = {**random_rows(FEATURES), "no feature": np.zeros(9)}
    assert predict(model, FEATURES, rows).shape == (len(rows["miles"]), outputs)


def test_the_example_of_the_docs_works():
    page = Path(__file__).parents[2] / "docs" / "extending" / "network.md"
    example: dict = {}
    exec(re.search(r"```python\n(.*?)```", page.read_text(), re.DOTALL)[1], example)
    model = build(example["build_model"], FEATURES, config())
    assert predict(model, FEATURES, random_rows(FEATURES)).shape[1] == 1


@pytest.mark.parametrize("network", NETWORKS)
def test_names_and_weights_are_the_same_whatever_was_built_before(network):
    first = build(NETWORKS[network], FEATURES, config())
    layers.Dense(3)
    second = build(NETWORKS[network], FEATURES, config())
    assert [v.path for v in first.weights] == [v.path for v in second.weights]
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def ending(last_layers, task="binary"):
    """A network whose last layers are these, for a task."""

    def build_model(features, dataset, settings):
        miles = keras.Input((1,), name="miles")
        return keras.Model({"miles": miles}, last_layers(layers.Dense(8)(miles)))

    return build_model, task


def dense(*args):
    """A layer that is made when the network is."""

    def layer(inputs):
        return layers.Dense(*args)(inputs)

    return layer


def without_that_feature(features, dataset, settings):
    return keras.Model(x := keras.Input((1,), name="fare"), last(dataset)(x))


class Typo(Mlp):
    def call(self, features):
        return self.last(features["mile"])


REFUSED = {
    "no model": (
        lambda *_: "a model",
        "binary",
        "build_model returned str; it must return a keras",
    ),
    "no feature": (
        without_that_feature,
        "binary",
        "inputs that no feature has: fare. Inputs are named after features; there are fare.rank, m",
    ),
    "fails": (
        lambda f, dataset, s: Typo(dataset),
        "binary",
        "fails on a first batch of rows: KeyError: .* mile\n"
        r"library/tests/models/test_building\.py, line \d+, "
        r"in call: return self\.last.features..mile",
    ),
    "members": (
        *ending(lambda x: layers.Dense(1, "sigmoid")(layers.Reshape((4, 2))(x))),
        r"has the shape \[batch, 4, 1\]; the task binary needs \[batch, 1\], a probability for",
    ),
    "an output too many": (
        *ending(dense(2, "softmax")),
        r"has the shape \[batch, 2\]; the task binary needs \[batch, 1\]",
    ),
    "an output for all classes": (
        *ending(dense(1, "sigmoid"), "multiclass"),
        r"has the shape \[batch, 1\]; the task multiclass needs \[batch, 3\], a probability for ea",
    ),
    "no second axis": (
        *ending(lambda x: keras.ops.mean(x, axis=1), "regression"),
        r"has the shape \[batch\]; the task regression needs \[batch, 1\], a number for each row",
    ),
    "two outputs": (
        *ending(lambda x: [x, x]),
        r"output is a list; the task binary needs \[batch, 1\]",
    ),
    "not finite": (*ending(lambda x: layers.Dense(1)(x) / 0.0, "regression"), "NaN or infinity"),
    "no sigmoid": (
        *ending(dense(1)),
        "is from -.* to .*; the task binary needs .* from 0 to 1: end it with the activation sigm",
    ),
    "no softmax": (
        *ending(dense(3, "sigmoid"), "multiclass"),
        "do not sum to 1: end it with the activation softmax",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_network_that_does_not_fit_is_refused(case):
    build_model, task, message = REFUSED[case]
    with pytest.raises(ModelError, match=message):
        build(build_model, FEATURES, config(task))

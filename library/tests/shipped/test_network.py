"""The network in `models/network.py` as shipped."""

import keras
import numpy as np
import pytest

from models import network
from tests.models.test_building import CLASSES, config
from tfxkit.features.model_inputs import MISSING_NUMBER, Feature, Kind
from tfxkit.training.building import build
from tfxkit.training.fitting import LOSS

FEATURES = [
    Feature("a.rank", Kind.RANK),
    Feature("b.rank", Kind.RANK),
    Feature("c.code", Kind.CODE, codes=5),
    Feature("d.words", Kind.CODES, codes=9, length=4),
    Feature("e", Kind.NUMBER),
    Feature("f", Kind.NUMBER, length=2),
]
BATCH = {
    "a.rank": np.array([0.1, 0.9, MISSING_NUMBER], "float32"),
    "b.rank": np.array([0.5, 0.5, 0.5], "float32"),
    "c.code": np.array([0, 1, 4]),
    "d.words": np.array([[0, 0, 0, 0], [1, 8, 0, 0], [2, 3, 4, 5]]),
    "e": np.array([0.5, -1.5, 1], "float32"),
    "f": np.array([[0, 1], [2, 0], [0, 0]], "float32"),
}


def model(task, features=FEATURES, **settings):
    values = config(task).to_json()
    values["model"] |= {"members": 4, "width": 8, **settings}
    return build(network.build_model, features, type(config()).model_validate(values))


def test_numbers_are_cut_into_pieces_and_gaps_are_marked():
    pieces = network.Pieces(4)(np.array([[0.0], [0.375], [1.0], [MISSING_NUMBER]], "float32"))
    expected = [[0, 0, 0, 0, 0], [1, 0.5, 0, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(pieces[:, 0], expected, atol=1e-6)


def test_vectors_of_words_are_summed_and_those_of_no_word_are_not():
    vectors = np.arange(24, dtype="float32").reshape(2, 4, 3)
    summed = network.SumOfKnown()(vectors, np.array([[5, 6, 0, 0], [0, 0, 0, 0]]))
    np.testing.assert_allclose(summed, [vectors[0, :2].sum(axis=0) / np.sqrt(2), [0, 0, 0]])


@pytest.mark.parametrize("task", LOSS)
def test_the_prediction_is_the_mean_of_members_that_differ(task):
    ensemble = model(task)
    members = ensemble.members(BATCH, training=False).numpy()
    assert members.shape == (3, 4, len(CLASSES) if task == "multiclass" else 1)
    assert (members.std(axis=1) > 0).all()
    np.testing.assert_allclose(ensemble(BATCH, training=False), members.mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("task", "labels", "loss"),
    [
        ("binary", [0, 1, 1], lambda p, y: -np.log(np.where(y == 1, p[..., 0], 1 - p[..., 0]))),
        ("multiclass", [0, 2, 1], lambda p, y: -np.log(np.take_along_axis(p, y[..., None], 2))),
        ("regression", [0.5, 2, 1], lambda p, y: (p[..., 0] - y) ** 2),
    ],
)
@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 3.0]], ids=["", "weighted"])
def test_each_member_pays_for_its_own_error(task, labels, loss, weights):
    """The mean of the members' losses, which is more than the loss of their mean."""
    ensemble = model(task, dropout=0)
    ensemble.compile(loss=LOSS[task])
    members = ensemble.members(BATCH, training=False).numpy()
    each = np.repeat(np.array(labels)[:, None], 4, axis=1)
    expected = loss(members, each).reshape(3, 4)
    if weights is not None:
        expected *= np.array(weights)[:, None]
        weights = np.array(weights)
    labels = np.array(labels)[:, None]
    measured = ensemble.evaluate(BATCH, labels, sample_weight=weights, verbose=0)
    assert measured == pytest.approx(expected.mean(), rel=1e-4)


@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 3.0]], ids=["", "weighted"])
def test_a_loss_of_ones_own_gets_labels_and_predictions_in_two_dimensions(weights):
    shapes = []

    def missed_by(y_true, y_pred):
        shapes.append((y_true.shape[1:], y_pred.shape[1:]))
        return keras.ops.abs(keras.ops.cast(y_true[:, 0], "float32") - y_pred[:, 0])

    ensemble, labels = model("binary", dropout=0), np.array([0, 1, 1])[:, None]
    ensemble.compile(loss=missed_by)
    expected = np.abs(ensemble.members(BATCH, training=False).numpy()[..., 0] - labels)
    if weights is not None:
        expected *= np.array(weights)[:, None]
        weights = np.array(weights)
    measured = ensemble.evaluate(BATCH, labels, sample_weight=weights, verbose=0)
    assert measured == pytest.approx(expected.mean(), rel=1e-4)
    assert set(shapes) == {((1,), (1,))}


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_one_feature_of_any_kind_is_enough(feature):
    assert model("binary", [feature])({feature.name: BATCH[feature.name]}).shape == (3, 1)


def test_numbers_of_any_size_are_learned():
    """Two clusters that lie close together, a million away from 0."""
    ensemble = model("binary", [FEATURES[4]], members=1, dropout=0)
    ensemble.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    numbers = 1e6 + np.tile([0.0, 5.0], 64).astype("float32")
    labels = np.tile([0, 1], 64)[:, None]
    ensemble.fit({"e": numbers}, labels, batch_size=32, epochs=120, verbose=0)
    right = (ensemble({"e": numbers}).numpy() > 0.5) == labels
    assert right.mean() > 0.95

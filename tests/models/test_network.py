import keras
import numpy as np
import pytest

from models.layers import Pieces, SumOfKnown
from models.network import UNITS, build_model
from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import ModelSettings
from tfxkit.features.model_inputs import MISSING_NUMBER, Feature

FEATURES = [
    Feature("a.rank"),
    Feature("b.rank"),
    Feature("c.code", codes=5),
    Feature("d.words", codes=9, length=4),
]
BATCH = {
    "a.rank": np.array([0.1, 0.9, MISSING_NUMBER], "float32"),
    "b.rank": np.array([0.5, 0.5, 0.5], "float32"),
    "c.code": np.array([0, 1, 4]),
    "d.words": np.array([[0, 0, 0, 0], [1, 8, 0, 0], [2, 3, 4, 5]]),
}


def model(task, **settings):
    label = {"column": "y", "classes": ["u", "v", "w"] if task == "multiclass" else []}
    columns = {"x": {"role": "numeric"}}
    dataset = Dataset.model_validate({"task": task, "label": label, "columns": columns})
    keras.utils.set_random_seed(1)
    return build_model(dataset, FEATURES, ModelSettings(**{"members": 4, "width": 8, **settings}))


def test_numbers_are_cut_into_pieces_and_gaps_are_marked():
    pieces = Pieces(4)(np.array([[0.0], [0.375], [1.0], [MISSING_NUMBER]], "float32"))
    expected = [[0, 0, 0, 0, 0], [1, 0.5, 0, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 0, 1]]
    np.testing.assert_allclose(pieces[:, 0], expected, atol=1e-6)


def test_vectors_of_words_are_summed_and_those_of_no_word_are_not():
    vectors = np.arange(24, dtype="float32").reshape(2, 4, 3)
    summed = SumOfKnown()(vectors, np.array([[5, 6, 0, 0], [0, 0, 0, 0]]))
    np.testing.assert_allclose(summed, [vectors[0, :2].sum(axis=0) / np.sqrt(2), [0, 0, 0]])


@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3), ("regression", 1)])
def test_the_prediction_is_the_mean_of_members_that_differ(task, outputs):
    network = model(task)
    members = network(BATCH).numpy()
    assert members.shape == (3, 4, outputs)
    assert (members.std(axis=1) > 0).all()
    np.testing.assert_allclose(network.predict_mean(BATCH), members.mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("task", "labels", "loss"),
    [
        ("binary", [0, 1, 1], lambda p, y: -np.log(np.where(y == 1, p[..., 0], 1 - p[..., 0]))),
        ("multiclass", [0, 2, 1], lambda p, y: -np.log(np.take_along_axis(p, y[..., None], 2))),
        ("regression", [0.5, 2, 1], lambda p, y: (p[..., 0] - y) ** 2),
    ],
)
def test_each_member_pays_for_its_own_error(task, labels, loss):
    """The mean of the members' losses, which is more than the loss of their mean."""
    from models.training import _LOSS

    network = model(task, dropout=0)
    network.compile(loss=_LOSS[Task(task)])
    members = network(BATCH).numpy()
    each = np.repeat(np.array(labels)[:, None], 4, axis=1)
    measured = network.evaluate(BATCH, np.array(labels), verbose=0)
    assert measured == pytest.approx(loss(members, each).mean(), rel=1e-4)


def test_one_kind_of_features_is_enough():
    dataset = Dataset.model_validate(
        {"task": "binary", "label": {"column": "y"}, "columns": {"x": {"role": "numeric"}}}
    )
    for feature in FEATURES[1:]:
        network = build_model(dataset, [feature], ModelSettings(members=2))
        assert network({feature.name: BATCH[feature.name]}).shape == (3, 2, 1)


def test_a_regression_predicts_around_the_mean_of_the_labels_before_it_has_learned():
    network = model("regression")
    network.get_layer(UNITS).adapt(np.array([900.0, 1100.0]).reshape(-1, 1, 1))
    assert abs(network(BATCH).numpy().mean() - 1000) < 300

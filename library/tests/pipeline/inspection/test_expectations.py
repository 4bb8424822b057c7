"""Bounds are beyond a useless model, within reach of a good one, and not broken by chance."""

import itertools
import re

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.pipeline.inspection.conftest import profiles
from tfxkit.components.data_gate.drift import infinity_norm, jensen_shannon
from tfxkit.components.data_gate.rows import associations
from tfxkit.config.dataset import Dataset
from tfxkit.errors import UsageError
from tfxkit.onboarding.plan import choose_thresholds, limit_drift, make_plan
from tfxkit.onboarding.roles import decide_role
from tfxkit.onboarding.table import Table, find_sentinel
from tfxkit.onboarding.target import (
    choose_target,
    label_association,
    leak_reason,
    strongest_association,
)


def bounds(values):
    columns = profiles({"y": values})
    return choose_thresholds(choose_target(columns), columns["y"])


@pytest.mark.parametrize("rows", [60, 1000, 100_000])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_always_the_most_frequent_class_is_not_good_enough(rows, share):
    few = max(round(rows * (1 - share) / 2), 2)
    many = rows - 2 * few
    bound = bounds(["a"] * many + ["b"] * few + ["c"] * few)["accuracy"].values["min"]
    assert many / (many + 2 * few) < bound < 1


@pytest.mark.parametrize("rows", [60, 301, 1000, 100_000])
@pytest.mark.parametrize("share", [0.5, 0.72, 0.79, 0.95, 0.999])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_constant_prediction_meets_no_threshold(rows, share, classes):
    rest = max(round(rows * (1 - share)), 2 * (classes - 1))
    values = ["a"] * (rows - rest) + ["b"] * (rest // (classes - 1))
    values += ["c"] * (rows - len(values))
    majority = max(values.count(value) for value in "abc") / rows
    constant = {"auc": 0.5, "accuracy": majority, "r2": 0.0}
    found = bounds(values)
    assert found.keys() <= {"auc", "accuracy"} and found
    for metric, threshold in found.items():
        assert constant[metric] < threshold.values["min"] < 1


def test_accuracy_is_held_to_more_than_the_majority_reaches():
    found = bounds(["no"] * 720 + ["yes"] * 280)
    assert found["accuracy"].values["min"] == 0.77  # 0.72 and two standard errors of 333 rows
    assert found["accuracy"].why == "always the more frequent value: 0.72"


def test_accuracy_is_no_threshold_where_nearly_all_rows_are_alike():
    assert bounds(["no"] * 930 + ["yes"] * 70).keys() == {"auc"}


@pytest.mark.parametrize("rows", [60, 1000, 100_000])
def test_tossing_a_coin_is_not_good_enough(rows):
    bound = bounds([0, 1] * (rows // 2))["auc"].values["min"]
    assert 0.5 < bound <= 0.63
    # Which is what it takes chance to reach once in forty times, where rows are not very few.
    random = np.random.default_rng(0)
    half = max(rows // 6, 1)
    if rows == 1000:
        scores = random.random((2000, 2 * half)).argsort(axis=1).argsort(axis=1)[:, :half]
        auc = (scores.sum(axis=1) - half * (half - 1) / 2) / half**2
        assert (auc >= bound).mean() < 0.06


def test_the_mean_is_not_good_enough():
    values = np.random.default_rng(0).normal(50, 10, 1000)
    bound = bounds(values)["r2"].values["min"]
    assert 0.02 < bound < 0.1


@pytest.mark.parametrize("rows", [300, 1500])
def test_chance_alone_is_no_drift(rows):
    """Two samples of the same distribution, as large as the smaller split is."""
    random = np.random.default_rng(0)

    def sample():
        return profiles(
            {
                "text": random.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]),
                "number": random.lognormal(0, 2, rows),
                "few": random.integers(0, 5, rows),
            }
        )

    first = sample()
    allowed = limit_drift(first, {name: decide_role(column) for name, column in first.items()})
    assert set(allowed) == {"text", "number", "few"}
    distances = {"infinity_norm": lambda *a: infinity_norm(*a)[0], "jensen_shannon": jensen_shannon}
    splits = [sample() for _ in range(6)]
    parts = [
        profiles({name: c.values[: rows // 3] for name, c in columns.items()}) for columns in splits
    ]
    for before, now in itertools.pairwise(parts):
        for name, (kind, bound) in allowed.items():
            assert distances[kind](now[name].statistics, before[name].statistics) <= bound


def test_a_column_that_is_the_label_under_another_name():
    label = ["a", "b", "c", "a"] * 50
    table = {
        "code": [{"a": 7, "b": 8, "c": 9}[one] for one in label],
        "good": [one if i % 20 else "c" for i, one in enumerate(label)],
        "fine": [f"{one}{i % 2}" for i, one in enumerate(label)],  # tells the label, is not it
        "y": label,
    }
    columns = profiles(table)
    found = choose_target(columns)
    same = [name for name in table if leak_reason(columns[name], columns["y"], found)]
    assert same == ["code", "y"]


def test_a_number_that_is_the_label_in_other_units():
    y = np.random.default_rng(0).lognormal(3, 1, 500)
    table = {"cents": (y * 100).round(), "near": y + np.random.default_rng(1).normal(0, 3, 500)}
    columns = profiles({**table, "y": y})
    found = choose_target(columns)
    assert leak_reason(columns["cents"], columns["y"], found)
    assert not leak_reason(columns["near"], columns["y"], found)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([*range(100), -999, -999, -999], (-999, 3)),
        ([*range(100), -1, -1, -1], (-1, 3)),
        ([*range(100), 9999, 9999, 9999], (9999, 3)),
        ([*range(101), -999], None),  # once
        ([-1, 0, 1] * 30, None),
        ([*range(99)] + [99] * 5, None),
        ([*range(-50, 50), -99, -99, -99], None),
        ([0.5, 1.5] * 30, None),
    ],
)
def test_a_number_that_means_missing(values, found):
    assert find_sentinel(pa.array(values)) == found


def leaky(kind, wrong=0.0, rows=400):
    """A label, a column that determines it but for some rows, and one that does not."""
    random = np.random.default_rng(0)
    x = random.normal(size=rows)
    if kind == "regression":
        y = x + random.normal(size=rows)
        return {"x": x, "part": y + random.normal(0, 0.1 + wrong, rows), "y": y}
    y = np.where(x + random.normal(size=rows) > 0, "yes", "no")
    flipped = np.where(random.random(rows) < wrong, np.where(y == "yes", "no", "yes"), y)
    kinds = random.choice(["a", "b", "c"], rows)
    return {"x": x, "part": [f"{a} {b}" for a, b in zip(flipped, kinds, strict=True)], "y": y}


def plan_of(columns, **options):
    pieces = {name: [pa.array(each)] for name, each in columns.items()}
    return make_plan(Table(pieces, len(next(iter(columns.values())))), **options)


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_column_that_gives_the_label_away_is_ignored_with_the_number_and_the_way_back(kind):
    made = plan_of(leaky(kind))
    decision = made.roles["part"]
    assert decision.role == "ignored"
    assert re.match(r"Alone it determines (9[789]\.\d|100\.0)% of the label\.", decision.why)
    kept = "categorical" if kind == "binary" else "numeric"
    assert decision.why.endswith(f"If it is known at prediction time: role {kept}, known: true.")
    assert made.roles["x"].role == "numeric"
    assert plan_of(leaky(kind, wrong=0.3)).roles["part"].role == kept


def test_init_measures_what_the_gate_measures():
    table = leaky("binary", wrong=0.05)
    columns = profiles(table)
    measured = label_association(columns["part"], columns["y"], choose_target(columns))
    rows = []
    for part, y in zip(table["part"], table["y"], strict=True):
        example = tf.train.Example()
        example.features.feature["part"].bytes_list.value.append(part.encode())
        example.features.feature["y"].bytes_list.value.append(y.encode())
        rows.append(example.SerializeToString())
    schema = schema_pb2.Schema()
    for name in ("part", "y"):
        schema.feature.add(name=name, type=schema_pb2.BYTES)
    label = {"column": "y", "positive": "yes", "negative": "no"}
    columns = {"part": {"role": "categorical"}}
    dataset = Dataset.model_validate({"task": "binary", "label": label, "columns": columns})
    assert associations(rows, schema, dataset) == {"part": pytest.approx(measured, abs=1e-12)}
    assert 0.8 < measured < 0.97


def test_where_nothing_else_is_left_init_refuses_until_a_person_keeps_the_leak():
    """The gate would stop the first run."""
    table = leaky("binary")
    both = {"part": table["part"], "y": table["y"]}
    with pytest.raises(UsageError, match=r"(?s)part: Alone it determines 100\.0% .*--known part"):
        plan_of(both)
    made = plan_of(both, known=["part"])
    assert made.roles["part"].role == "categorical"
    assert made.roles["part"].options["known"] is True


def test_the_name_of_a_known_column_is_checked():
    with pytest.raises(UsageError, match="there is no column 'prat'; did you mean 'part'"):
        plan_of(leaky("binary"), known=["prat"])
    with pytest.raises(UsageError, match="'y' is the label"):
        plan_of(leaky("binary"), known=["y"])


@pytest.mark.parametrize("rows", [80, 400, 5000])
@pytest.mark.parametrize("form", [np.log1p, np.sqrt, lambda y: -(y**3), lambda y: 1 / y])
def test_the_label_in_another_form_is_ignored(form, rows):
    table = leaky("regression", rows=rows)
    amount = np.exp(table["y"])
    made = plan_of({"x": table["x"], "same": form(amount).astype(np.float32), "amount": amount})
    assert made.roles["same"].role == "ignored"
    why = "The label in another form: its ranks correlate with the label's by 1.000000."
    assert made.roles["same"].why == why
    assert made.roles["x"].role == "numeric"


def bikes():
    random = np.random.default_rng(0)
    warm = random.random(600)
    casual, registered = random.poisson(90 * warm), random.poisson(40 + 80 * random.random(600))
    noise = random.normal(size=600)
    return {"warm": warm, "casual": casual, "noise": noise, "registered": registered}


def test_parts_of_a_label_that_is_their_sum_are_ignored():
    table = bikes()
    made = plan_of({**table, "count": table["casual"] + table["registered"]})
    why = "count is casual + registered. If the parts are known at prediction time: role numeric"
    for name in ("casual", "registered"):
        assert made.roles[name].role == "ignored"
        assert made.roles[name].why.startswith(why)
    assert made.roles["warm"].role == made.roles["noise"].role == "numeric"
    net = plan_of({**table, "net": table["registered"] - table["casual"]})
    assert net.roles["casual"].why.startswith("net is registered - casual.")


def test_parts_that_a_person_keeps_are_kept():
    table = bikes()
    label = {"count": table["casual"] + table["registered"]}
    made = plan_of({**table, **label}, known=["casual", "registered"])
    assert made.roles["casual"].options == made.roles["registered"].options == {"known": True}


def test_a_weighted_sum_is_only_said():
    table = bikes()
    made = plan_of({**table, "price": 2.5 * table["casual"] + 7 * table["registered"]})
    assert made.roles["casual"].role == made.roles["registered"].role == "numeric"
    assert any("price is a weighted sum of casual, registered." in w for w in made.warnings)


def test_a_column_near_the_limit_is_measured_on_other_rows_too():
    """The gate measures the rows of the train split only."""
    random = np.random.default_rng(1)
    values = {"x": random.normal(size=400)}
    y = np.where(values["x"] + random.normal(size=400) > 0, "yes", "no")
    wrong = np.zeros(400, bool)
    wrong[::60] = True
    part = np.where(wrong, np.where(y == "yes", "no", "yes"), y)
    columns = profiles({**values, "part": part, "y": y})
    target = choose_target(columns)
    whole = label_association(columns["part"], columns["y"], target)
    assert 0.9 < whole < 0.97 <= strongest_association(columns["part"], columns["y"], target)
    in_train = ~wrong
    assert strongest_association(columns["part"], columns["y"], target, in_train) == 1.0

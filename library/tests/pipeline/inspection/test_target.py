"""The label is found, and the task follows from its values."""

import pytest

from tests.pipeline.inspection.conftest import profiles
from tfxkit.onboarding import target

N = 300


def find(*, wanted=None, task=None, **columns):
    return target.choose_target(profiles(columns), wanted, task)


@pytest.mark.parametrize("name", ["label", "Target", "CLASS", "y"])
def test_a_label_has_a_name(name):
    found = find(**{name: ["a", "b"] * 150, "z": list(range(N))})
    assert found.label.column == name


def test_else_it_is_the_last_column():
    found = find(x=list(range(N)), last=["a", "b"] * 150)
    assert found.label.column == "last"
    assert "last column" in found.why[0]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 150, "binary"),
        ([1.5, 2.5] * 150, "binary"),
        (["a", "b", "c"] * 100, "multiclass"),
        (["3", "4", "5"] * 100, "multiclass"),
        ([str(i % 60) for i in range(N)], "regression"),  # whole, but too many of them
        ([str(i % 7 + 0.5) for i in range(N)], "regression"),  # few, but not whole
        ([str(i / 7) for i in range(N)], "regression"),
    ],
)
def test_task_from_the_values(values, task):
    assert find(x=values).task == task


def test_a_task_that_is_asked_for():
    assert find(x=["3", "4", "5"] * 100, task=target.Task.REGRESSION).task == "regression"


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["no", "yes"] * 150, "yes"),
        (["no"] * 10 + ["Yes"] * 290, "Yes"),
        (["healthy"] * 200 + ["ill"] * 100, "ill"),
        ([1, 2] * 100 + [1] * 100, "2"),
        ([1.0, 2.0] * 100 + [1.0] * 100, "2"),
        ([0, 1] * 150, None),
        ([0.0, 1.0] * 150, None),
        ([False, True] * 150, "True"),  # Parquet
        (["false", "true"] * 150, "True"),
    ],
)
def test_positive_value(values, positive):
    assert find(x=values).label.positive == positive


def test_classes_are_in_the_order_of_their_numbers():
    values = [str(i % 12) for i in range(N)]
    assert find(x=values).label.classes == tuple(map(str, range(12)))


def test_a_rare_class_is_reported():
    found = find(x=["a"] * 150 + ["b"] * 148 + ["c"] * 2)
    assert "'c' (2)" in found.warnings[0]

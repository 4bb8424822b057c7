import numpy as np
import pytest
import tensorflow as tf

from tfxkit.config.dataset import Dataset
from tfxkit.errors import DataError
from tfxkit.features.label import NO_LABEL, UNKNOWN_LABEL, describe_unknown, make_label


def label(task, label, **inputs):
    dataset = Dataset.model_validate(
        {"task": task, "label": label, "columns": {"x": {"role": "numeric"}}}
    )
    columns = {name: tf.constant(values) for name, values in inputs.items()}
    return make_label(dataset, columns).numpy()


TIPS = {"column": "tips", "greater_than": 0.2, "times": "fare"}


def test_a_tip_of_exactly_a_fifth_is_not_more_than_a_fifth():
    cents = np.arange(5, 20_000, 5)  # the fare, and the tip in a fifth of a cent
    exact = (cents / 5).round(2)
    fares = (cents / 100).astype("float32")
    for difference, expected in ((-1, 0), (0, 0), (1, 1)):
        tips = ((exact + difference) / 100).astype("float32")
        assert (label("binary", TIPS, tips=tips, fare=fares) == expected).all(), difference


def test_a_derived_label_is_0_where_one_of_its_columns_is_missing():
    nan = float("nan")
    labels = label("binary", TIPS, tips=[3.0, nan, 3.0, 3.0], fare=[10.0, 10.0, nan, 0.0])
    np.testing.assert_array_equal(labels, [1, 0, 0, 1])


def test_a_bound_without_times_is_the_bound_itself():
    labels = label("binary", {"column": "tips", "greater_than": 2}, tips=[1, 2, 3])
    np.testing.assert_array_equal(labels, [0, 0, 1])


def test_a_named_value_is_positive():
    labels = label("binary", {"column": "y", "positive": "yes"}, y=["yes", "no", "maybe", ""])
    np.testing.assert_array_equal(labels, [1, 0, 0, NO_LABEL])


def test_a_value_beside_the_two_that_are_named_is_unknown():
    names = {"column": "y", "positive": "yes", "negative": "no"}
    labels = label("binary", names, y=["yes", "no", "Yes", "no ", ""])
    np.testing.assert_array_equal(labels, [1, 0, UNKNOWN_LABEL, UNKNOWN_LABEL, NO_LABEL])


def test_two_named_numbers():
    labels = label("binary", {"column": "y", "positive": "2", "negative": "1"}, y=[1, 2, 3])
    np.testing.assert_array_equal(labels, [0, 1, UNKNOWN_LABEL])


def test_a_plain_binary_label_is_0_or_1_or_none():
    labels = label("binary", {"column": "y"}, y=[0.0, 1.0, 2.0, float("nan")])
    np.testing.assert_array_equal(labels, [0, 1, UNKNOWN_LABEL, NO_LABEL])


def test_classes_are_numbered_as_they_are_listed():
    classes = {"column": "y", "classes": ["3", "1"]}
    np.testing.assert_array_equal(label("multiclass", classes, y=[1, 3, 2]), [1, 0, UNKNOWN_LABEL])


def test_a_missing_number_is_not_the_class_0():
    classes = {"column": "y", "classes": ["0", "1"]}
    labels = label("multiclass", classes, y=[0.0, 1.0, float("nan")])
    np.testing.assert_array_equal(labels, [0, 1, NO_LABEL])


def test_a_regression_learns_the_number_itself():
    labels = label("regression", {"column": "y"}, y=[1.5, float("nan")])
    np.testing.assert_array_equal(labels, [1.5, np.nan])


def test_text_without_a_positive_value_is_refused():
    with pytest.raises(DataError, match="'y' is text"):
        label("binary", {"column": "y"}, y=["yes", "no"])


def test_a_label_that_the_schema_does_not_have_is_named():
    with pytest.raises(DataError, match="'fare'"):
        label("binary", TIPS, tips=[1.0])


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("Yes", ", another spelling of 'yes'"),
        (" yes ", ", another spelling of 'yes'"),
        ("ｎｏ", ", another spelling of 'no'"),
        ("1.0", ", another spelling of '1'"),
        ("yess", ", similar to 'yes'"),
        ("10", ""),
        ("perhaps", ""),
    ],
)
def test_an_unknown_value_is_named_with_the_nearest_known_one(value, nearest):
    assert describe_unknown({value: 2}, ["yes", "no", "1"]) == f"{value!r} (2 rows{nearest})"


def test_the_most_frequent_unknown_values_come_first_and_the_rest_is_counted():
    counts = {f"v{number}": number for number in range(1, 13)}
    described = describe_unknown(counts, [])
    assert described.startswith("'v12' (12 rows), 'v11' (11 rows), ")
    assert described.endswith("'v3' (3 rows), 2 more")


@pytest.mark.parametrize(
    "wrong",
    [{"negative": "no"}, {"positive": "no", "negative": "no"}],
)
def test_a_negative_value_needs_another_positive_one(wrong):
    with pytest.raises(ValueError, match=r"label: (negative needs positive|positive and negative)"):
        label("binary", {"column": "y", **wrong}, y=["no"])

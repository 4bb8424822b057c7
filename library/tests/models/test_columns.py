import itertools

import numpy as np
import tensorflow as tf

from tfxkit.config.dataset import Dataset
from tfxkit.features.columns import Columns, as_text, first_value, first_values
from tfxkit.features.helpers import by_role, code, date_parts, rank


def test_sparse_columns_give_their_first_value_and_what_is_missing():
    column = tf.sparse.from_dense([[3, 4], [0, 0], [5, 0]])
    values, missing = first_value(column)
    np.testing.assert_array_equal(values, [3, 0, 5])
    np.testing.assert_array_equal(missing, [False, True, False])


def test_a_batch_without_any_value_is_all_missing():
    column = tf.SparseTensor(tf.zeros((0, 2), tf.int64), tf.constant([], tf.string), [2, 0])
    values, missing = first_value(column)
    np.testing.assert_array_equal(values, [b"", b""])
    np.testing.assert_array_equal(missing, [True, True])


def test_nan_and_empty_text_are_missing():
    values, missing = first_value(tf.constant([[1.0], [np.nan]]))
    np.testing.assert_array_equal(values, [1.0, 0.0])
    np.testing.assert_array_equal(missing, [False, True])
    np.testing.assert_array_equal(first_value(tf.constant(["a", ""]))[1], [False, True])


def test_many_columns_together_give_what_each_gives_alone():
    random = np.random.default_rng(0)
    columns = {"dense": tf.constant([[1.0]] * 5), "none": tf.sparse.from_dense(np.zeros((5, 0)))}
    for index, (kind, width) in enumerate(itertools.product(("i8", "f4", "S3"), (0, 1, 3, 1, 0))):
        there = random.random((5, width)) < 0.6
        values = random.integers(1, 99, there.sum()).astype(kind)
        if kind == "f4":
            values[:1] = np.nan
        columns[f"c{index}"] = tf.SparseTensor(np.argwhere(there), values, there.shape)
    found = first_values(columns)
    assert list(found) == list(columns)
    for name, column in columns.items():
        for one, alone in zip(found[name], first_value(column), strict=True):
            np.testing.assert_array_equal(one, alone)


def test_a_number_reads_the_same_whatever_its_type():
    texts = [
        as_text(tf.constant([8, -1], dtype)).numpy().tolist() for dtype in ("int64", "float32")
    ]
    assert texts == [[b"8", b"-1"]] * 2


def test_the_columns_that_a_feature_is_made_from():
    found = {}

    @tf.function
    def trace(raw):
        columns = Columns(raw)
        by_role = columns.first_values(["fare", "company", "tolls"])  # computed together
        found["role"] = columns.sources_of(by_role["tolls"])
        per_mile = rank(columns["fare"] / columns["trip_miles"])
        found["fare_per_mile"] = columns.sources_of(per_mile.sources())
        longest = tf.function(lambda miles: miles * tf.reduce_max(miles))(columns["trip_miles"])
        found["function"] = columns.sources_of([longest])
        words = code(columns["company"] + as_text(by_role["fare"][0]))
        found["code"] = columns.sources_of(words.sources())
        found["constant"] = columns.sources_of([tf.zeros_like(columns["fare"]), tf.zeros([2])])
        return tf.zeros([])

    text, number = (tf.SparseTensorSpec([None, None], kind) for kind in (tf.string, tf.float32))
    numbers = ("fare", "trip_miles", "tolls", "unused")
    trace.get_concrete_function({"company": text, **dict.fromkeys(numbers, number)})
    assert found == {
        "role": ("tolls",),
        "fare_per_mile": ("fare", "trip_miles"),
        "function": ("trip_miles",),
        "code": ("company", "fare"),
        "constant": ("fare",),
    }


def test_the_parts_of_a_date_are_those_that_are_named():
    columns = Columns({"day": tf.constant(["2014-07-01", "2014-07-02"])})
    role = {"role": "timestamp", "unit": "text"}
    wanted = ["trend", "time_of_week"]

    def names(**options):
        description = {"task": "regression", "label": {"column": "y"}}
        dataset = Dataset.model_validate({**description, "columns": {"day": role | options}})
        return [name.removeprefix("day.") for name in by_role(columns, dataset)]

    every = ["trend", "time_of_day", "time_of_week", "time_of_year"]
    assert names() == list(date_parts(columns["day"])) == every
    assert names(parts=wanted) == list(date_parts(columns["day"], parts=wanted)) == wanted

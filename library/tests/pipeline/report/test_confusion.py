"""The confusion table: names of its rows and columns, and its counts."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.config.dataset import Dataset
from tfxkit.report.curves import class_names, confusion
from tfxkit.report.eval_rows import EvalRows


def dataset(task="binary", **label):
    label = {"column": "paid", **label}
    columns = {"x": {"role": "numeric"}}
    return Dataset.model_validate({"task": task, "label": label, "columns": columns})


def statistics(text):
    return {"paid": text_format.Parse(text, FeatureNameStatistics())}


def texts(*values, unique=None):
    buckets = " ".join(f'buckets {{ label: "{value}" }}' for value in values)
    count = len(values) if unique is None else unique
    return statistics(
        f"type: STRING string_stats {{ unique: {count} rank_histogram {{ {buckets} }} }}"
    )


def numbers(kind, low, high):
    return statistics(f"type: {kind} num_stats {{ min: {low} max: {high} }}")


@pytest.mark.parametrize(
    ("label", "splits", "names"),
    [
        ({}, [numbers("INT", 0, 1)], ["paid = 0", "paid = 1 (positive)"]),
        ({"positive": "yes"}, [texts("yes", "no"), texts("no")], ["no", "yes (positive)"]),
        ({"positive": "yes"}, [texts("yes", "no", "")], ["no", "yes (positive)"]),
        ({"positive": "yes"}, [texts("yes", "no", "maybe")], ["not yes", "yes (positive)"]),
        ({"positive": "yes"}, [texts("yes", "no"), texts("?")], ["not yes", "yes (positive)"]),
        ({"positive": "yes"}, [texts("yes", "no", unique=3)], ["not yes", "yes (positive)"]),
        ({"positive": "yes"}, [], ["not yes", "yes (positive)"]),
        ({"positive": "2"}, [numbers("INT", 1, 2)], ["1", "2 (positive)"]),
        ({"positive": "2"}, [numbers("INT", 0, 2)], ["not 2", "2 (positive)"]),
        ({"positive": "1.5"}, [numbers("FLOAT", 1, 1.5)], ["not 1.5", "1.5 (positive)"]),
        ({"greater_than": 3}, [], ["paid ≤ 3", "paid > 3 (positive)"]),
        (
            {"greater_than": 0.2, "times": "fare"},
            [],
            ["paid ≤ 0.2 × fare", "paid > 0.2 × fare (positive)"],
        ),
    ],
)
def test_the_classes_of_a_binary_task_are_named_as_the_data_names_them(label, splits, names):
    assert class_names(dataset(**label), splits) == names


def test_the_classes_of_a_multiclass_task_are_those_of_the_description():
    assert class_names(dataset("multiclass", classes=("a", "b", "c")), []) == ["a", "b", "c"]


def rows(labels, predictions):
    none = np.zeros((0, len(labels)), np.int32)
    return EvalRows(np.array(labels, float), np.array(predictions, float), (), none, 1)


def test_a_row_counts_as_the_class_that_it_is_and_the_one_that_it_is_taken_for():
    table = confusion(rows([0, 0, 0, 1], [0.1, 0.4, 0.9, 0.8]), ["no", "yes (positive)"]).table
    assert [name for name, _ in table] == ["no", "yes (positive)"]
    assert [[cell.rows for cell in cells] for _, cells in table] == [[2, 1], [0, 1]]
    assert [[cell.right for cell in cells] for _, cells in table] == [[True, False], [False, True]]

    predictions = [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]]
    table = confusion(rows([0, 1, 1], predictions), ["a", "b", "c"]).table
    assert [[cell.rows for cell in cells] for _, cells in table] == [[1, 0, 0], [0, 1, 1], [0] * 3]

"""Functions of a project as metrics: what they are given, samples, and errors with a name."""

from __future__ import annotations

import linecache
import sys
import types

import numpy as np
import pytest
from sklearn import metrics as sk

from tfxkit.errors import ModelError
from tfxkit.metrics import Metric, Rows, Sums, functions
from tfxkit.metrics.definition import measurer
from tfxkit.metrics.functions import OfRows, load


def rows(number=1000, seed=0):
    random = np.random.default_rng(seed)
    keys = random.permutation(number).astype(np.uint64)
    return Rows.of(np.arange(float(number)), random.random((number, 1)), keys)


def measured(metric, all_rows, order):
    """Parts of the rows, merged in some order."""
    statistics = None
    for part in order:
        chosen = np.arange(part, len(all_rows), len(order))
        one = metric.measure(
            Rows(all_rows.labels[chosen], all_rows.predictions[chosen], all_rows.keys[chosen])
        )
        statistics = one if statistics is None else metric.merge(statistics, one)
    return metric.finish(statistics)


def test_a_function_gets_all_rows_of_a_slice_as_arrays():
    seen = {}

    def number_of_rows(labels, predictions, weights):
        seen.update(labels=labels, predictions=predictions, weights=weights)
        return len(labels)

    assert measured(OfRows(number_of_rows, "it"), rows(), [2, 0, 1]) == 1000
    assert sorted(seen["labels"]) == list(range(1000))
    assert seen["predictions"].shape == (1000,)
    assert seen["weights"].tolist() == [1] * 1000


def test_of_very_many_rows_it_gets_a_uniform_sample_that_is_always_the_same(monkeypatch):
    monkeypatch.setattr(functions, "MOST_ROWS", 100)
    samples = []

    def collect(labels, _, __):
        samples.append(labels)
        return labels.mean()

    metric = OfRows(collect, "it")
    orders = ([0], [0, 1, 2], [2, 1, 0], list(range(9, -1, -1)))
    values = [measured(metric, rows(), order) for order in orders]
    assert len(set(values)) == 1
    assert all(np.array_equal(sample, samples[0]) for sample in samples)
    assert len(samples[0]) == 100
    means = [measured(metric, rows(seed=seed), [0, 1]) for seed in range(30)]
    assert abs(np.mean(means) - 499.5) < 3 * 289 / np.sqrt(30 * 100)


def stopped(function, all_rows) -> str:
    with pytest.raises(ModelError) as error:
        measured(OfRows(function, "models.metrics.it"), all_rows, [0])
    return str(error.value)


def counts_rows(labels, predictions, weights):
    return len(labels) / cuont  # noqa: F821


def divides_by_zero(labels, predictions, weights):
    return 1 / 0


def ranks_classes(labels, predictions, weights):
    return sk.log_loss(labels, predictions)


def takes_too_many(labels, predictions, weights):
    return predictions[:, 7]


ADVICE = " Return float('nan') where the metric is not defined."


@pytest.mark.parametrize(
    ("function", "number", "reason"),
    [
        (counts_rows, 9, "NameError on 9 rows of a slice: name 'cuont' is not defined."),
        (divides_by_zero, 9, f"ZeroDivisionError on 9 rows of a slice: division by zero.{ADVICE}"),
        (ranks_classes, 1, f"explicitly through the labels argument.{ADVICE}"),
        (takes_too_many, 9, "but 2 were indexed."),
    ],
)
def test_a_function_that_raises_stops_with_its_line_and_advice_if_the_rows_may_be_to_blame(
    function, number, reason
):
    told = stopped(function, rows(number))
    line = function.__code__.co_firstlineno + 1
    source = linecache.getline(__file__, line).strip()
    file = "library/tests/metrics/test_functions.py"
    place = f"{file}, line {line}, in {function.__name__}: {source}"
    assert told.startswith("The metric models.metrics.it raised ")
    assert told.endswith(f"{reason}\n{place}")


@pytest.mark.parametrize(
    ("value", "kind"), [("much", "str"), (None, "None"), (np.ones(2), "ndarray")], ids=str
)
def test_a_function_that_returns_no_number_stops_with_its_name(value, kind):
    assert stopped(lambda *_: value, rows()) == (
        f"The metric models.metrics.it returned {kind} on 1000 rows of a slice. "
        "It must return a number."
    )


def costs(labels, predictions):
    return [np.abs(predictions - labels), np.ones(len(labels))]


def fails(*_):
    raise ZeroDivisionError("none")


@pytest.mark.parametrize(
    ("of_rows", "finish", "message"),
    [
        (fails, lambda sums: sums[0], f"raised ZeroDivisionError on 500 rows: none.{ADVICE}\n"),
        (costs, fails, f"raised ZeroDivisionError where its value is computed: none.{ADVICE}\n"),
        (costs, lambda sums: sums, "raised TypeError where its value is computed: only"),
    ],
    ids=["of_rows raises", "finish raises", "finish returns an array"],
)
def test_sums_that_give_no_number_stop_with_their_name_and_have_no_interval(
    of_rows, finish, message, monkeypatch
):
    module = types.ModuleType("my_metrics")
    module.cost = Sums(of_rows, finish)
    monkeypatch.setitem(sys.modules, "my_metrics", module)
    metric = load("my_metrics.cost")
    with pytest.raises(ModelError) as error:
        measured(metric, rows(), [0, 1])
    assert f"The metric my_metrics.cost {message}" in str(error.value)
    good = Sums(costs, lambda sums: sums[0] / sums[1])
    found = measurer({"bad": metric, "good": good}, rows())(np.ones((1000, 3), np.float32))
    assert np.isnan(found["bad"]).all()
    assert found["bad"].shape == found["good"].shape == (3,)
    assert np.isfinite(found["good"]).all()


def test_sums_of_a_project_have_the_values_and_resamples_of_their_definition(monkeypatch):
    module = types.ModuleType("my_metrics")
    module.cost = Sums(costs, lambda sums: sums[0] / sums[1])
    monkeypatch.setitem(sys.modules, "my_metrics", module)
    metric, all_rows = load("my_metrics.cost"), rows()
    expected = np.abs(all_rows.predictions - all_rows.labels).mean()
    assert measured(metric, all_rows, [1, 0]) == pytest.approx(expected)
    resampled = metric.resampled(all_rows)(np.ones((1000, 2), np.float32))
    assert resampled == pytest.approx([expected] * 2, rel=1e-5)


class LargestError(Metric):
    """A metric of a project that defines no resamples."""

    def measure(self, rows):
        return np.abs(rows.predictions - rows.labels).max()

    def merge(self, one, other):
        return max(one, other)

    def finish(self, statistics):
        return float(statistics)


def test_a_metric_of_a_project_without_resamples_has_a_value_and_no_interval(monkeypatch):
    module = types.ModuleType("my_metrics")
    module.largest = LargestError()
    monkeypatch.setitem(sys.modules, "my_metrics", module)
    metric, all_rows = load("my_metrics.largest"), rows()
    expected = np.abs(all_rows.predictions - all_rows.labels).max()
    assert measured(metric, all_rows, [1, 0]) == expected
    assert measurer({"largest": metric}, all_rows)(np.ones((1000, 3), np.float32)) == {}


def test_it_is_found_by_its_dotted_name():
    found = load("tests.sample.models.metrics.share_of_hits")
    assert found.value(Rows.of(np.array([0.0, 1, 1, 1]), np.array([0.1, 0.9, 0.2, 0.7]))) == 0.75

"""From dataset.yaml to what TFMA is told, and to what the gatekeepers are on every runner."""

from __future__ import annotations

import json

import pytest
import yaml
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import eval_config
from components.evaluator.checks import check
from components.evaluator.measured import Measured
from components.evaluator.metrics import METRICS, metric
from tests.sample_project import CONFIGS
from tfxkit.config.bounds import Evaluation
from tfxkit.config.dataset import Dataset, Task
from tfxkit.evaluation import SliceResult


def dataset(**evaluation):
    tree = yaml.safe_load((CONFIGS / "dataset.yaml").read_text())
    return Dataset.model_validate({**tree, "evaluation": evaluation} if evaluation else tree)


def thresholds(config):
    return {
        json.loads(metric_config.config)["name"]: one.threshold
        for spec in config.metrics_specs
        for metric_config in spec.metrics
        for one in metric_config.per_slice_thresholds
    }


def test_a_description_makes_a_config_without_confidence_intervals():
    config = eval_config(dataset())
    assert thresholds(config)
    assert config.slicing_specs[0] == config_pb2.SlicingSpec()
    assert len(config.slicing_specs) > 1
    assert not config.options.compute_confidence_intervals.value


def test_worsening_has_the_direction_of_the_metric():
    found = thresholds(
        eval_config(
            dataset(thresholds={"auc": {"max_worsening": 0.1}, "loss": {"max_worsening": 0.2}})
        )
    )
    auc, loss = (found[name].change_threshold for name in ("auc", "loss"))
    assert (auc.direction, auc.absolute.value) == (config_pb2.HIGHER_IS_BETTER, -0.1)
    assert (loss.direction, loss.absolute.value) == (config_pb2.LOWER_IS_BETTER, 0.2)


@pytest.mark.parametrize("where", ["thresholds", "worst_slice"])
def test_an_unknown_metric_is_refused_with_the_nearest_known_one(where):
    evaluation = (
        {"thresholds": {"acuracy": {"min": 0.5}}}
        if where == "thresholds"
        else {"slices": [["company"]], "worst_slice": {"metric": "acuracy", "min": 0.5}}
    )
    with pytest.raises(ValueError, match=r"no metric 'acuracy' .* did you mean 'accuracy'"):
        eval_config(dataset(**evaluation))


def test_a_metric_of_another_task_is_refused():
    with pytest.raises(ValueError, match="no metric 'rmse' for the task binary"):
        metric(Task.BINARY, "rmse")


def test_a_change_of_calibration_is_refused():
    with pytest.raises(ValueError, match="has no direction"):
        eval_config(dataset(thresholds={"calibration": {"max_worsening": 0.1}}))


def test_a_metric_has_the_same_direction_in_all_tasks():
    directions = {}
    for metrics in METRICS.values():
        for name, one in metrics.items():
            assert directions.setdefault(name, one.better) == one.better


SLICES = (
    SliceResult("hour: 1", 300, {"auc": 0.9}),
    SliceResult("hour: 2", 200, {"auc": 0.8}),
    SliceResult("hour: 3", 99, {"auc": 0.1}),
    SliceResult("pay: Cash", 900, {"auc": None}),
)


def worst(**bound):
    evaluation = Evaluation.model_validate(
        {"slices": [["hour"]], "worst_slice": {"metric": "auc", **bound}}
    )
    (result,) = check(evaluation, Measured({}, {}, SLICES))
    return result


def test_the_worst_slice_is_the_worst_of_those_that_are_large_enough():
    assert worst(min=0.7, min_examples=100).passed
    result = worst(min=0.85, min_examples=100)
    assert not result.passed
    assert result.detail == "auc in the worst slice, hour: 2 (200 rows), is 0.8, below 0.85"
    assert worst(min=0.85, min_examples=250).passed
    assert "hour: 1 (300 rows), is 0.9, above 0.85" in worst(max=0.85, min_examples=100).detail


def lost(baseline, **bound):
    evaluation = Evaluation.model_validate(
        {"slices": [["hour"]], "worst_slice": {"metric": "auc", "min": 0.0, **bound}}
    )
    before = {name: {"auc": value} for name, value in baseline.items()}
    _, result = check(evaluation, Measured({}, {}, SLICES, before))
    return result


def test_the_slice_that_lost_most_against_the_baseline_decides():
    before = {"hour: 1": 0.91, "hour: 2": 0.9, "hour: 3": 0.9, "hour: gone": 1.0}
    result = lost(before, max_worsening=0.05, min_examples=100)
    assert not result.passed
    assert result.detail == (
        "auc in the slice hour: 2 (200 rows) is 0.8, 0.1 worse than the baseline's 0.9; "
        "0.05 worse is allowed"
    )
    assert lost(before, max_worsening=0.2, min_examples=100).passed  # hour 3 is too small
    assert not lost(before, max_worsening=0.2, min_examples=99).passed


def test_without_a_baseline_no_slice_has_lost():
    assert lost({}, max_worsening=0.0).passed


def test_a_bound_that_no_slice_is_large_enough_for_is_not_passed_in_silence():
    result = worst(min=0.1, min_examples=1000)
    assert not result.passed
    assert "no slice has 1000 rows, the largest has 900" in result.detail


def test_a_bound_on_a_metric_that_no_large_slice_has_is_not_passed():
    assert not worst(min=0.1, min_examples=500).passed


def test_a_model_without_any_bound_is_not_blessed():
    (result,) = check(Evaluation(), Measured({"auc": 0.9}, {}, ()))
    assert not result.passed
    assert "no bounds are configured" in result.detail


def test_a_metric_that_is_not_defined_does_not_pass():
    evaluation = Evaluation.model_validate({"thresholds": {"auc": {"min": 0.5, "max": 1}}})
    assert [one.passed for one in check(evaluation, Measured({"auc": None}, {}, ()))] == [False] * 2

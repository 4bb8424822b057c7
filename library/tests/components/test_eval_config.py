"""From dataset.yaml to the EvalConfig of TFMA, and to the gatekeepers on every runner."""

from __future__ import annotations

import json

import pytest
import yaml
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils.keras_lib import tf_keras

from tests.sample_project import CONFIGS
from tfxkit.components.evaluator import eval_config
from tfxkit.components.evaluator.evaluation import MeasuredMetrics, apply_thresholds, measure_gaps
from tfxkit.config.dataset import Dataset, Evaluation
from tfxkit.evaluation import SliceResult
from tfxkit.metrics import catalogue


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
            dataset(thresholds={"auc": {"max_worsening": 0.1}, "log_loss": {"max_worsening": 0.2}})
        )
    )
    auc, loss = (found[name].change_threshold for name in ("auc", "log_loss"))
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


REFUSED = [
    ({"rmse": None}, "no metric 'rmse' for the task binary"),
    ({"recal": None}, "no metric 'recal' for the task binary; did you mean 'recall'"),
    ({"recall": {"k": 3}}, "k is no setting of recall for the task binary, which has threshold"),
    ({"p": {"class_name": "PrecisionAtRecal"}}, "did you mean 'PrecisionAtRecall'"),
    ({"p": {"class_name": "PrecisionAtRecall"}}, "PrecisionAtRecall cannot be made with these"),
    ({"p": {"class_name": "NDCG", "config": {"gain_key": "fare"}}}, "a query_key is required"),
    ({"p": {"class_name": "FairnessIndicators"}}, "it left TFMA for the package"),
    ({"p": {"class_name": "P", "module": "no.such"}}, "No module named 'no'"),
    ({"p": {"class_name": "AUC", "config": {"name": "q"}}}, "config.name would rename the result"),
    ({"p": {"class_name": "AUC", "binarize": {"ids": 1}}}, 'no field named "ids"'),
    ({"p": {"function": "no.such.function"}}, "no.such cannot be imported"),
    ({"p": {"function": "os.path.no_such"}}, "os.path has no function no_such; it has: "),
    (
        {"p": {"function": "models.metrics.top_decile_lit"}},
        "models/metrics.py has no function top_decile_lit; did you mean top_decile_lift?",
    ),
    ({"p": {"function": "os.path.isdir"}}, "must take (labels, predictions, weights)"),
]


@pytest.mark.parametrize(("metrics", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_metrics_that_cannot_be_measured_are_refused(metrics, told):
    with pytest.raises(ValueError) as error:
        eval_config(dataset(metrics=metrics))
    assert told in str(error.value)
    assert "evaluation.metrics." in str(error.value)


def test_settings_belong_to_their_kind_of_metric():
    for settings in ({"class_name": "AUC", "k": 2}, {"function": "a.b", "config": {"x": 1}}):
        with pytest.raises(ValueError, match="no setting of a metric that has"):
            dataset(metrics={"p": settings})


@pytest.mark.parametrize(
    ("name", "told"),
    [("auc_precision_recall", "'pr_auc'"), ("loss", "'log_loss'"), ("f1", "add `f1:`")],
)
def test_a_bound_under_an_old_name_or_on_what_is_not_measured_says_what_to_do(name, told):
    with pytest.raises(ValueError) as error:
        eval_config(dataset(thresholds={name: {"min": 0.5}}))
    assert told in str(error.value)


def test_bounds_may_be_on_any_result_of_a_class():
    ndcg = {
        "class_name": "NDCG",
        "query_key": "company",
        "config": {"gain_key": "fare", "top_k_list": [1, 3]},
    }
    eval_config(dataset(metrics={"ndcg": ndcg}, thresholds={"ndcg/top_k:3": {"min": 0.5}}))
    with pytest.raises(ValueError, match="did you mean 'ndcg/top_k:3'"):
        eval_config(dataset(metrics={"ndcg": ndcg}, thresholds={"ndcg/top_k:5": {"min": 0.5}}))


def test_an_element_of_an_array_and_one_of_several_classes_may_have_bounds():
    alarms = {"class_name": "FPR", "config": {"thresholds": [0.3, 0.5]}}
    of_one = {"class_name": "AUC", "binarize": {"class_ids": {"values": [1]}}}
    bounds = {"alarms/1": {"max": 0.5}, "of_one/class_id:1": {"min": 0.5}}
    eval_config(dataset(metrics={"alarms": alarms, "of_one": of_one}, thresholds=bounds))


@pytest.mark.parametrize(
    ("settings", "better"),
    [
        ({"class_name": "PrecisionAtRecall", "config": {"recall": 0.8}}, "HIGHER"),
        ({"class_name": "MeanSquaredError"}, "LOWER"),
        ({"class_name": "MeanSquaredError", "better": "higher"}, "HIGHER"),
        ({"class_name": "Poisson"}, "LOWER"),
        ({"class_name": "Huber", "module": "tf_keras.src.losses"}, "LOWER"),
        ({"class_name": "CosineSimilarity"}, "HIGHER"),
        ({"class_name": "CosineSimilarity", "module": "tf_keras.src.losses"}, "LOWER"),
        ({"class_name": "MeanPrediction", "better": "lower"}, "LOWER"),
        ({"metric": "recall", "threshold": 0.9}, "HIGHER"),
    ],
)
def test_a_class_has_the_direction_that_is_set_or_that_is_known(settings, better):
    config = eval_config(dataset(metrics={"m": settings}, thresholds={"m": {"max_worsening": 0.1}}))
    direction = thresholds(config)["m"].change_threshold.direction
    assert config_pb2.MetricDirection.Name(direction) == f"{better}_IS_BETTER"


def test_a_change_of_a_metric_without_direction_is_refused():
    best_near_two = {"class_name": "MeanPrediction", "better": "near 2"}
    of_tfma = {"class_name": "Calibration"}
    for metrics, name in (({}, "calibration"), ({"m": best_near_two}, "m"), ({"m": of_tfma}, "m")):
        with pytest.raises(ValueError, match="has no direction"):
            eval_config(dataset(metrics=metrics, thresholds={name: {"max_worsening": 0.1}}))


@pytest.mark.parametrize(
    "settings",
    [
        {"class_name": "MeanPrediction"},
        # Of TFMA's name, but another class.
        {"class_name": "AUC", "module": "tests.components.test_eval_config"},
    ],
    ids=["of TFMA", "of the project"],
)
def test_a_change_of_a_class_of_unknown_direction_is_refused(settings):
    change = {"max_worsening": 0.1}
    with pytest.raises(
        ValueError, match=r"evaluation\.thresholds: .*set evaluation.metrics.m.better"
    ):
        eval_config(dataset(metrics={"m": settings}, thresholds={"m": change}))
    worst_slice = {"metric": "m", "min": 0.1, **change}
    with pytest.raises(ValueError, match=r"evaluation\.worst_slice: .*evaluation.metrics.m.better"):
        eval_config(dataset(metrics={"m": settings}, slices=[["company"]], worst_slice=worst_slice))
    for stated in ({**settings, "better": "higher"}, {**settings, "better": "lower"}):
        eval_config(dataset(metrics={"m": stated}, thresholds={"m": change}))
    eval_config(dataset(metrics={"m": settings}, thresholds={"m": {"min": 0.1}}))


class AUC(tf_keras.metrics.Mean):
    """Its name is all that it has in common with Keras'."""


def test_every_class_with_a_known_direction_exists():
    known = {*metric_types.registered_metrics(), *vars(tf_keras.metrics)}
    assert catalogue.CLASS_DIRECTIONS.keys() <= known


def test_a_metric_has_the_same_direction_in_all_tasks():
    directions = {}
    for metrics in catalogue.CATALOGUE.values():
        for name, one in metrics.items():
            assert directions.setdefault(name, one.better) == one.better


SLICES = (
    SliceResult("hour: 1", 300, {"auc": 0.9}, ("hour",)),
    SliceResult("hour: 2", 200, {"auc": 0.8}, ("hour",)),
    SliceResult("hour: 2, pay: Card", 200, {"auc": 0.2}, ("hour", "pay")),
    SliceResult("hour: 3", 99, {"auc": 0.1}, ("hour",)),
    SliceResult("pay: Cash", 900, {"auc": None}, ("pay",)),
)


def worst(**bound):
    evaluation = Evaluation.model_validate(
        {"slices": [["hour"]], "worst_slice": {"metric": "auc", **bound}}
    )
    (result,) = apply_thresholds(evaluation, MeasuredMetrics({}, {}, SLICES))
    return result


def test_the_worst_slice_is_the_worst_of_those_that_are_large_enough():
    assert worst(min=0.1, min_examples=100).passed
    result = worst(min=0.85, min_examples=100)
    assert not result.passed
    assert result.detail == (
        "auc in the worst slice, hour: 2, pay: Card (200 rows), is 0.2, below 0.85"
    )
    assert worst(min=0.85, min_examples=250).passed
    assert "hour: 1 (300 rows), is 0.9, above 0.85" in worst(max=0.85, min_examples=100).detail


def gap(column="hour", baseline=None, **bound):
    evaluation = Evaluation.model_validate(
        {"slices": [["hour"], ["pay"]], "gaps": [{"metric": "auc", "slice": [column], **bound}]}
    )
    before = {name: {"auc": value} for name, value in (baseline or {}).items()}
    measured = MeasuredMetrics({}, {}, SLICES, before)
    return measure_gaps(evaluation, measured)[0], apply_thresholds(evaluation, measured)[0]


def test_a_gap_is_between_the_groups_of_one_slice_that_have_rows_enough():
    before = {"hour: 1": 0.9, "hour: 2": 0.6, "hour: 3": 0.1}
    measured, result = gap(max=0.05, baseline=before)
    assert measured.gap == pytest.approx(0.1)
    assert measured.baseline_gap == pytest.approx(0.3)
    assert (measured.lowest, measured.highest, measured.groups) == ("hour: 2", "hour: 1", 2)
    assert not result.passed
    assert result.detail == "gap of auc over hour is 0.1 (from hour: 2 to hour: 1), above 0.05"
    assert gap(max=0.2)[1].passed
    assert not gap(max=0.2, min_examples=99)[1].passed


def test_a_gap_that_no_two_groups_have_is_not_passed_in_silence():
    measured, result = gap("pay", max=0.5)
    assert measured.gap is None
    assert not result.passed
    assert "no group with 100 rows has a value, two are needed" in result.detail


def test_a_gap_needs_its_slice():
    with pytest.raises(ValueError, match=r"not sliced by pay; add \[pay\] to slices"):
        Evaluation.model_validate({"gaps": [{"metric": "auc", "slice": ["pay"]}]})


def lost(baseline, **bound):
    evaluation = Evaluation.model_validate(
        {"slices": [["hour"]], "worst_slice": {"metric": "auc", "min": 0.0, **bound}}
    )
    before = {name: {"auc": value} for name, value in baseline.items()}
    _, result = apply_thresholds(evaluation, MeasuredMetrics({}, {}, SLICES, before))
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
    (result,) = apply_thresholds(Evaluation(), MeasuredMetrics({"auc": 0.9}, {}, ()))
    assert not result.passed
    assert "no thresholds are configured" in result.detail


def test_a_metric_that_is_not_defined_does_not_pass():
    evaluation = Evaluation.model_validate({"thresholds": {"auc": {"min": 0.5, "max": 1}}})
    assert [
        one.passed for one in apply_thresholds(evaluation, MeasuredMetrics({"auc": None}, {}, ()))
    ] == [False] * 2

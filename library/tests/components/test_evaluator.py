"""Real evaluations of tiny models: right numbers, right slices, right verdicts, for each task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from sklearn import metrics as sklearn_metrics
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts
from tfx.utils import path_utils, proto_utils

from tfxkit.components.evaluator import eval_config
from tfxkit.components.evaluator import evaluation as evaluations
from tfxkit.components.evaluator.component import EvaluatorExecutor
from tfxkit.config.dataset import Dataset
from tfxkit.errors import ModelError
from tfxkit.features.label import LABEL_KEY, UNKNOWN_LABEL
from tfxkit.metrics import Sums

pytestmark = pytest.mark.slow

ROWS = 600
CLASSES = ("a", "b", "c")
SCHEMA = """
    feature { name: "x" type: FLOAT }
    feature { name: "pay" type: BYTES }
    feature { name: "hour" type: INT }
    feature { name: "y" type: FLOAT }
"""
PARSING = {
    "x": tf.io.FixedLenFeature([], tf.float32),
    "y": tf.io.FixedLenFeature([], tf.float32, -1.0),
}


def rows(task):
    """Columns x, pay, hour (one row in ten is without the last two) and y, the label."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS).astype(np.float32)
    y = {
        "binary": (x + rng.normal(size=ROWS) > 0.5).astype(np.float32),
        "multiclass": np.clip(np.round(x + rng.normal(size=ROWS)), -1, 1).astype(np.float32) + 1,
        "regression": (2 * x + 1 + rng.normal(size=ROWS)).astype(np.float32),
    }[task]
    pay = np.array([[b"Cash", b"Card", None][i] for i in rng.choice(3, ROWS, p=[0.5, 0.4, 0.1])])
    y[pay == b"Cash"] *= task != "binary"  # a slice with one class only
    hour = np.where(pay == None, -1, rng.integers(22, 24, ROWS))  # noqa: E711
    return {"x": x, "pay": pay, "hour": hour, "y": y}


def predict(task, x, shift=0.0):
    """The model, which is wrong by `shift`."""
    if task == "regression":
        return 2 * x + 1 + shift
    if task == "binary":
        return tf.sigmoid(2 * x - 1 + shift)
    return tf.nn.softmax(tf.stack([-3 * x, 0 * x + shift, 3 * x], axis=1))


class Model(tf.Module):
    """Both signatures that the pipeline's models have."""

    def __init__(self, task, shift):
        super().__init__()
        self._task, self._shift = task, shift

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        x = tf.io.parse_example(examples, PARSING)["x"]
        return {"predictions": predict(self._task, x, self._shift)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform(self, examples):
        label = tf.io.parse_example(examples, PARSING)["y"]
        if self._task == "binary":
            label = tf.where(label > 1, tf.constant(UNKNOWN_LABEL, tf.float32), label)
        return {LABEL_KEY: label if self._task == "regression" else tf.cast(label, tf.int64)}


def write_model(folder, task, shift):
    model = Model(task, shift)
    signatures = {"serving_default": model.serve, "transform_features": model.transform}
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    tf.saved_model.save(model, path_utils.serving_model_dir(str(folder)), signatures)
    return artifact


def write_examples(folder, columns):
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names, artifact.span = str(folder), '["eval"]', 0
    artifact.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    (folder / "Split-eval").mkdir(parents=True)
    path = str(folder / "Split-eval/data_tfrecord-00000-of-00001.gz")
    with tf.io.TFRecordWriter(path, options="GZIP") as writer:
        for x, pay, hour, y in zip(*columns.values(), strict=True):
            example = tf.train.Example()
            features = example.features.feature
            features["x"].float_list.value.append(x)
            if pay is not None:
                features["pay"].bytes_list.value.append(pay)
                features["hour"].int64_list.value.append(hour)
            features["y"].float_list.value.append(y)
            writer.write(example.SerializeToString())
    return artifact


def describe(task, evaluation):
    label = {"column": "y", **({"classes": CLASSES} if task == "multiclass" else {})}
    columns = {
        "x": {"role": "numeric"},
        "pay": {"role": "categorical"},
        "hour": {"role": "ignored"},
    }
    return Dataset.model_validate(
        {"task": task, "label": label, "columns": columns, "evaluation": evaluation}
    )


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    """Runs the Evaluator's executor; returns the result, the blessing and the evaluation's URI."""

    def run(task, evaluation, *, shift=0.0, baseline_shift=None, columns=None, written=None):
        folder: Path = tmp_path_factory.mktemp(task)
        dataset = describe(task, evaluation)
        schema = standard_artifacts.Schema()
        schema.uri = str(folder / "schema")
        (folder / "schema").mkdir()
        (folder / "schema/schema.pbtxt").write_text(
            text_format.MessageToString(text_format.Parse(SCHEMA, schema_pb2.Schema()))
        )
        if baseline_shift is None:
            baseline = standard_artifacts.Model()
            baseline.uri = str(folder / "absent")
            baseline.set_int_custom_property("tfx_absent", 1)
        else:
            baseline = write_model(folder / "baseline", task, baseline_shift)
        evaluation_artifact = standard_artifacts.ModelEvaluation()
        evaluation_artifact.uri = str(folder / "evaluation")
        blessing = standard_artifacts.ModelBlessing()
        blessing.uri = str(folder / "blessing")
        context = EvaluatorExecutor.Context(
            beam_pipeline_args=["--runner=FnApiRunner"], tmp_dir=str(folder), unique_id="1"
        )
        examples = write_examples(folder / "examples", columns or rows(task))
        if written is not None:  # as SpanExampleGen counts them
            outcomes = {"files": [{"rows": {"eval": written}}], "repeated_share": 0.0}
            (folder / "examples/files.json").write_text(json.dumps(outcomes))
        model = write_model(folder / "model", task, shift)
        if task == "binary":  # the other tasks' labels are not made by the library here
            config = Path(path_utils.serving_model_dir(model.uri), "assets.extra/config.json")
            config.parent.mkdir(exist_ok=True)
            config.write_text(json.dumps({"dataset": dataset.for_model()}))
        EvaluatorExecutor(context).Do(
            {
                "examples": [examples],
                "model": [model],
                "baseline_model": [baseline],
                "schema": [schema],
            },
            {"evaluation": [evaluation_artifact], "blessing": [blessing]},
            {
                "eval_config": proto_utils.proto_to_json(eval_config(dataset)),
                "example_splits": json.dumps(["eval"]),
                "module_path": "tfxkit.components.evaluator.metrics",
                "evaluation": dataset.evaluation.model_dump_json(),
            },
        )
        return (
            evaluations.read_evaluation(evaluation_artifact.uri),
            blessing,
            evaluation_artifact.uri,
        )

    return run


@pytest.fixture(scope="module")
def with_baseline(evaluate):
    evaluation = {
        "slices": [["pay"], ["hour"], ["pay", "hour"]],
        "thresholds": {
            "auc": {"min": 0.5, "max_worsening": 0.01},
            "log_loss": {"max": 0.1, "max_worsening": 0.01},
            "calibration": {"min": 0.1, "max": 9},
        },
        "worst_slice": {"metric": "auc", "min": 0.99, "min_examples": 100},
    }
    return evaluate("binary", evaluation, shift=1.0, baseline_shift=0.0)


def plain_error(probabilities, outcomes):
    """The expected calibration error over 15 bins of equal mass, as one would write it down."""
    order = np.argsort(probabilities)
    gaps = np.asarray(probabilities, np.float64)[order] - np.asarray(outcomes, np.float64)[order]
    return sum(abs(part.sum()) for part in np.array_split(gaps, 15)) / len(gaps)


def test_binary_metrics_are_those_of_scikit_learn(with_baseline):
    columns = rows("binary")
    for metrics, shift in ((with_baseline[0].metrics, 1.0), (with_baseline[0].baseline_metrics, 0)):
        y, p = columns["y"], predict("binary", columns["x"], shift).numpy()
        assert metrics["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(y, p), abs=1e-3)
        assert metrics["pr_auc"] == pytest.approx(
            sklearn_metrics.average_precision_score(y, p), abs=0.01
        )
        assert metrics["accuracy"] == pytest.approx(np.mean((p > 0.5) == y), abs=1e-6)
        assert metrics["log_loss"] == pytest.approx(sklearn_metrics.log_loss(y, p), abs=1e-5)
        assert metrics["calibration"] == pytest.approx(p.mean() / y.mean(), rel=1e-5)
        assert metrics["expected_calibration_error"] == pytest.approx(plain_error(p, y), abs=1e-3)
        assert metrics["example_count"] == ROWS


def test_slices_are_cut_along_raw_values_and_rows_without_one_are_in_none(with_baseline):
    columns, slices = rows("binary"), {one.slice: one for one in with_baseline[0].slices}
    card, late = columns["pay"] == b"Card", columns["hour"] == 23
    assert slices["pay: Card"].examples == card.sum()
    assert slices["hour: 23"].examples == late.sum()
    assert slices["hour: 23, pay: Card"].examples == (card & late).sum()
    assert len(slices) == 2 + 2 + 4
    right = (predict("binary", columns["x"], 1.0).numpy() > 0.5) == columns["y"]
    assert slices["pay: Card"].metrics["accuracy"] == pytest.approx(right[card].mean(), abs=1e-6)


def test_auc_is_not_defined_where_there_is_one_class_only(with_baseline):
    slices = {one.slice: one.metrics for one in with_baseline[0].slices}
    assert slices["pay: Cash"]["auc"] is None
    assert slices["pay: Cash"]["accuracy"] is not None


def test_verdicts_are_in_words_and_those_of_tfma(with_baseline):
    result, blessing, uri = with_baseline
    checks = {one.name: one for one in result.checks}
    assert {name for name, one in checks.items() if not one.passed} == {
        "log_loss: max",
        "log_loss: change",
        "log_loss: paired test",
        "auc: worst slice",
    }
    assert checks["auc: min"].detail.endswith(", at least 0.5")
    assert checks["log_loss: max"].detail.endswith(", above 0.1")
    assert "worse than the baseline's 0." in checks["log_loss: change"].detail
    assert "auc in the worst slice, " in checks["auc: worst slice"].detail
    assert "Cash" not in checks["auc: worst slice"].detail

    assert not result.blessed
    assert blessing.get_int_custom_property("blessed") == 0
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"NOT_BLESSED"}
    failures = {
        (failure.metric_key.name, failure.metric_key.is_diff)
        for one in tfma.load_validation_result(uri).metric_validations_per_slice
        for failure in one.failures
    }
    assert failures == {("log_loss", False), ("log_loss", True)}


def test_without_a_baseline_the_model_is_measured_alone_and_can_be_blessed(evaluate):
    evaluation = {
        "slices": [["pay"]],
        "thresholds": {"auc": {"min": 0.7, "max_worsening": 0.0}},
        "worst_slice": {"metric": "accuracy", "min": 0.6, "min_examples": 200},
    }
    result, blessing, _ = evaluate("binary", evaluation)
    assert result.blessed
    assert result.baseline_metrics == {}
    assert "auc: no baseline to compare with" in [one.detail for one in result.checks]
    assert {path.name for path in Path(blessing.uri).iterdir()} == {"BLESSED"}
    assert blessing.get_int_custom_property("blessed") == 1


def test_multiclass_metrics_are_those_of_scikit_learn(evaluate):
    evaluation = {"thresholds": {"auc": {"min": 0.5}, "accuracy": {"min": 0.4}}}
    result, _, uri = evaluate("multiclass", evaluation, shift=0.5)
    columns = rows("multiclass")
    y, p = columns["y"].astype(int), predict("multiclass", columns["x"], 0.5).numpy()
    assert result.metrics["accuracy"] == pytest.approx(np.mean(p.argmax(1) == y), abs=1e-6)
    assert result.metrics["log_loss"] == pytest.approx(sklearn_metrics.log_loss(y, p), abs=1e-4)
    auc = sklearn_metrics.roc_auc_score(y, p, multi_class="ovr")
    assert result.metrics["auc"] == pytest.approx(auc, abs=1e-3)
    error = plain_error(p.max(1), p.argmax(1) == y)
    assert result.metrics["expected_calibration_error"] == pytest.approx(error, abs=1e-3)
    assert result.blessed
    assert tfma.load_validation_result(uri).validation_ok


def test_regression_metrics_and_rows_without_a_label(evaluate):
    columns = rows("regression")
    known = {name: values.copy() for name, values in columns.items()}
    columns["y"][::7] = np.nan
    result, _, _ = evaluate(
        "regression",
        {"thresholds": {"rmse": {"max": 2.0}, "r2": {"min": 0.7, "max_worsening": 0.01}}},
        shift=0.1,
        baseline_shift=0.1,
        columns=columns,
    )
    labelled = ~np.isnan(columns["y"])
    y, p = known["y"][labelled], predict("regression", known["x"], 0.1)[labelled]
    assert result.metrics["example_count"] == labelled.sum()
    assert result.metrics["rmse"] == pytest.approx(
        sklearn_metrics.root_mean_squared_error(y, p), rel=1e-4
    )
    assert result.metrics["mae"] == pytest.approx(
        sklearn_metrics.mean_absolute_error(y, p), rel=1e-4
    )
    assert result.metrics["squared_pearson_correlation"] == pytest.approx(
        np.corrcoef(y, p)[0, 1] ** 2, rel=1e-4
    )
    r2 = sklearn_metrics.r2_score(y, p)
    assert result.metrics["r2"] == pytest.approx(r2, rel=1e-4)
    assert result.baseline_metrics["r2"] == pytest.approx(r2, rel=1e-4)
    assert result.metrics["calibration"] == pytest.approx(p.mean() / y.mean(), rel=1e-4)
    assert result.blessed
    assert {one.name for one in result.checks} == {
        "rmse: max",
        "r2: min",
        "r2: change",
        "mse: paired test",
    }


@pytest.mark.parametrize(
    ("task", "shift", "name", "loss"),
    [
        ("binary", 1.0, "log_loss", sklearn_metrics.log_loss),
        ("multiclass", -1.0, "log_loss", sklearn_metrics.log_loss),
        ("regression", 1.0, "mse", sklearn_metrics.mean_squared_error),
    ],
)
def test_a_significantly_worse_model_is_refused_whatever_the_allowance(
    evaluate, task, shift, name, loss
):
    wide = {"thresholds": {name: {"max": 9.0, "max_worsening": 9.0}}}
    result, _, _ = evaluate(task, wide, shift=shift, baseline_shift=0.0)
    y = rows(task)["y"]
    ours, theirs = (loss(y, predict(task, rows(task)["x"], by)) for by in (shift, 0.0))
    [refused] = [check for check in result.checks if not check.passed]
    assert refused.name == f"{name}: paired test"
    assert refused.detail.startswith(
        f"{name} is {ours - theirs:.4g} worse than the baseline's {theirs:.4g} on the same 600 rows"
    )
    assert not result.blessed


def test_the_paired_test_can_be_switched_off_and_needs_a_baseline(evaluate):
    wide = {"thresholds": {"log_loss": {"max": 9.0}}}
    off, _, _ = evaluate("binary", {**wide, "paired_test": None}, shift=1.0, baseline_shift=0.0)
    alone, _, _ = evaluate("binary", wide, shift=1.0)
    assert [check.name for check in (*off.checks, *alone.checks)] == ["log_loss: max"] * 2
    assert off.blessed


def test_a_paired_test_alone_blesses_no_model(evaluate):
    result, _, _ = evaluate("binary", {}, shift=0.0, baseline_shift=1.0)
    assert [(check.name, check.passed) for check in result.checks] == [
        ("bounds", False),
        ("log_loss: paired test", True),
    ]
    assert not result.blessed


def share_of_sure_rows(labels, predictions, weights):
    """A function as a project may have it."""
    return float(np.average((predictions > 0.9) | (predictions < 0.1), weights=weights))


broken = Sums(lambda labels, predictions: [predictions[:, 7]], lambda sums: sums[0])


def test_the_sums_of_a_project_that_raise_are_named(evaluate):
    metrics = {"broken": {"function": f"{__name__}.broken"}}
    with pytest.raises(ModelError) as caught:
        evaluate("binary", {"metrics": metrics})
    message, place = str(caught.value).split("\n")
    assert message.startswith(f"The metric {__name__}.broken raised IndexError on ")
    assert place.startswith("library/tests/components/test_evaluator.py, line ")
    assert place.endswith(
        "broken = Sums(lambda labels, predictions: [predictions[:, 7]], lambda sums: sums[0])"
    )


@pytest.fixture(scope="module")
def with_classes_of_tfma(evaluate):
    evaluation = {
        "slices": [["pay"], ["hour"]],
        "metrics": {
            "precision_at_recall": {"class_name": "PrecisionAtRecall", "config": {"recall": 0.8}},
            "binary_accuracy": {"class_name": "BinaryAccuracy"},
            "false_alarms": {"class_name": "FPR", "config": {"thresholds": [0.3, 0.5]}},
            "cosine": {"class_name": "CosineSimilarity"},
            "plot": {"class_name": "ConfusionMatrixPlot"},
            "ndcg": {
                "class_name": "NDCG",
                "query_key": "hour",
                "config": {"gain_key": "y", "top_k_list": [1, 3]},
            },
            "sure": {"function": f"{__name__}.share_of_sure_rows"},
            "recall": {"threshold": 0.7},
            "f1": None,
        },
        "thresholds": {
            "auc": {"min": 0.5},
            "precision_at_recall": {"min": 0.99, "max_worsening": 0.5},
            "sure": {"min": 0.0},
        },
        "gaps": [{"metric": "accuracy", "slice": ["pay"], "max": 0.001}],
    }
    return evaluate("binary", evaluation, shift=1.0, baseline_shift=0.0)


def test_classes_of_tfma_and_keras_stand_beside_our_metrics(with_classes_of_tfma, with_baseline):
    columns, (result, _, uri) = rows("binary"), with_classes_of_tfma
    y, p = columns["y"], predict("binary", columns["x"], 1.0).numpy().astype(float)
    found = result.metrics
    precision, recall, _ = sklearn_metrics.precision_recall_curve(y, p)
    assert found["precision_at_recall"] == pytest.approx(max(precision[recall >= 0.8]), abs=0.01)
    assert found["binary_accuracy"] == pytest.approx(found["accuracy"])
    for place, threshold in enumerate((0.3, 0.5)):
        alarms = ((p > threshold) & (y == 0)).sum() / (y == 0).sum()
        assert found[f"false_alarms/{place}"] == pytest.approx(alarms, abs=1e-6)
    assert found["sure"] == pytest.approx(((p > 0.9) | (p < 0.1)).mean())
    assert found["recall"] == pytest.approx(sklearn_metrics.recall_score(y, p > 0.7))
    assert found["f1"] == pytest.approx(sklearn_metrics.f1_score(y, p > 0.5))
    assert found["cosine"] is not None
    assert {"ndcg/top_k:1", "ndcg/top_k:3"} <= found.keys()
    assert "plot" not in found
    assert tfma.load_plots(uri)
    # Ours are the same in both ways to take the rows, also by slice and for the baseline.
    plain = with_baseline[0]
    for name, value in plain.metrics.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
    by_slice = {one.slice: one for one in result.slices}
    for one in plain.slices:
        if one.slice in by_slice:
            assert by_slice[one.slice].examples == one.examples
            assert by_slice[one.slice].metrics["auc"] == pytest.approx(one.metrics["auc"], abs=1e-6)
    assert plain.baseline_metrics["auc"] == pytest.approx(result.baseline_metrics["auc"])
    assert result.baseline_metrics["sure"] is not None


def test_bounds_on_any_metric_and_on_gaps_decide(with_classes_of_tfma):
    result, blessing, _ = with_classes_of_tfma
    assert not result.blessed
    assert blessing.get_int_custom_property("blessed") == 0
    checks = {one.name: one for one in result.checks}
    failed = {name for name, one in checks.items() if not one.passed}
    assert failed == {
        "precision_at_recall: min",
        "accuracy: gap over pay",
        "log_loss: paired test",  # the baseline is the better model
    }
    [gap] = result.gaps
    values = {one.slice: one.metrics["accuracy"] for one in result.slices if "pay" in one.slice}
    assert gap.gap == pytest.approx(max(values.values()) - min(values.values()))
    assert values[gap.lowest] < values[gap.highest]
    assert gap.baseline_gap is not None
    assert checks["accuracy: gap over pay"].detail.endswith(", above 0.001")


@pytest.mark.parametrize("written", [None, 6])
def test_a_row_with_an_unknown_label_is_measured_by_no_metric_and_refuses_the_model(
    evaluate, written
):
    columns = {name: values[:6] for name, values in rows("binary").items()}
    columns["y"] = [0.0, 1.0, 0.0, 1.0, 2.0, 2.0]
    bounds = {"thresholds": {"auc": {"min": 0.0}}}
    result, blessing, _ = evaluate("binary", bounds, columns=columns, written=written)
    assert result.metrics["example_count"] == 4
    check = result.checks[-1]
    assert (check.name, check.passed) == ("label: known values", False)
    assert check.detail == (
        "label: 2 of 6 rows have values that the model cannot predict: '2' (2 rows)"
    )
    assert not result.blessed
    assert blessing.get_int_custom_property("blessed") == 0


def test_rows_with_known_labels_need_no_check(evaluate):
    result, _, _ = evaluate("binary", {"thresholds": {"auc": {"min": 0.0}}})
    assert [check.name for check in result.checks] == ["auc: min"]

"""Metrics of TFMA, of Keras and of the project itself: measured, shown, and held to bounds."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
import yaml
from sklearn import metrics as sk

from tfxkit.report.run import Run

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class Answers:
    labels: np.ndarray
    predictions: np.ndarray


@pytest.fixture(scope="module")
def answers(foreign) -> Answers:
    """Answers of the exported model for the eval split."""
    rows = Run.read(foreign.outputs.runs / "latest", foreign.outputs).eval_rows
    return Answers(rows.labels, rows.predictions)


def cost(labels, predictions):
    promised = predictions > 0.5
    return np.mean(5 * (promised & (labels == 0)) + (~promised & (labels == 1)))


def test_the_values_are_those_of_the_exported_model(foreign, answers):
    found, y, p = foreign.latest().metrics, answers.labels, answers.predictions
    assert found["cost"] == pytest.approx(cost(y, p), abs=1e-6)
    precision, recall, _ = sk.precision_recall_curve(y, p)
    assert found["precision_at_recall"] == pytest.approx(max(precision[recall >= 0.8]), abs=0.02)
    assert found["recall"] == pytest.approx(sk.recall_score(y, p > 0.4), abs=1e-6)
    assert found["f1"] == pytest.approx(sk.f1_score(y, p > 0.5), abs=1e-6)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(y, p), abs=1e-3)
    assert found["log_cosh"] == pytest.approx(np.log(np.cosh(p - y)).mean(), abs=1e-5)
    assert "confusion" not in found


def test_each_slice_has_them_and_the_gap_between_groups_is_theirs(foreign):
    summary = foreign.latest()
    assert all(
        {"cost", "precision_at_recall", "log_cosh"} <= one.metrics.keys() for one in summary.slices
    )
    groups = {
        one.slice: one.metrics["accuracy"]
        for one in summary.slices
        if one.slice.startswith("payment_type: ") and one.examples >= 50
    }
    [gap] = summary.gaps
    assert gap.gap == pytest.approx(max(groups.values()) - min(groups.values()))
    assert (groups[gap.highest], groups[gap.lowest]) == (max(groups.values()), min(groups.values()))


def test_each_bound_was_checked(foreign):
    checks = {check.name: check for check in foreign.latest().thresholds}
    names = {"precision_at_recall: min", "log_cosh: max", "cost: max", "cost: change"}
    assert names | {"accuracy: gap over payment_type"} <= checks.keys()
    assert all(check.passed for check in checks.values())


def cost_on(page: str) -> tuple[float, ...]:
    """The project's own metric in a report: value, and both ends of its interval."""
    row = r'<th scope="row">Cost</th><td class="n strong">([\d.]+)</td>'
    interval = r'\s*<td>\s*<span class="interval">([\d.]+) to ([\d.]+)<'
    found = re.search(row + interval, page) or pytest.fail("the cost has no interval")
    return tuple(map(float, found.groups()))


def test_the_report_shows_them_with_an_interval_where_there_is_a_definition(foreign):
    page = foreign.report()
    assert "Gaps between groups" in page
    assert "No interval: Precision at recall, Log cosh." in page
    value, low, high = cost_on(page)
    assert low < value < high


@pytest.mark.parametrize(
    ("setting", "missed"),
    [
        ("thresholds.precision_at_recall.min=0.999", "precision_at_recall: min"),
        ("thresholds.log_cosh.max=0.0001", "log_cosh: max"),
        ("thresholds.cost.max=0.0001", "cost: max"),
        ("gaps=[{metric: accuracy, slice: [payment_type], max: 0.0001, min_examples: 50}]",
         "accuracy: gap over payment_type"),
    ],
)  # fmt: skip
def test_a_bound_on_each_kind_decides(foreign, setting, missed):
    from tfxkit.components.evaluator import evaluation
    from tfxkit.config.dataset import Evaluation

    run = Run.read(foreign.outputs.runs / "latest", foreign.outputs)
    measured = evaluation.load_metrics(run.artifact("Evaluator", "evaluation").uri)
    configured = yaml.safe_load((foreign.root / "configs/dataset.yaml").read_text())["evaluation"]
    path, _, value = setting.partition("=")
    *parents, key = path.split(".")
    section = configured
    for name in parents:
        section = section[name]
    section[key] = yaml.safe_load(value)
    checks = evaluation.apply_thresholds(Evaluation.model_validate(configured), measured)
    assert not {check.name: check.passed for check in checks}[missed]


def test_the_plot_is_kept_in_the_artifact(foreign):
    import tensorflow_model_analysis as tfma

    run = Run.read(foreign.outputs.runs / "latest", foreign.outputs)
    uri = run.artifact("Evaluator", "evaluation").uri
    plots = tfma.load_plots(uri)
    assert any(one.plot_keys_and_values for one in plots)

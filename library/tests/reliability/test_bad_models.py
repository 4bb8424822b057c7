"""Bad models: never pushed; the reason is on the screen, in report, summary and exit code."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from markupsafe import escape

import tfxkit.training.export
from tests.project_with_runs import ORDER, Project, put_back
from tests.reliability import aftermath
from tfxkit.runs.summary import State, Status

NOT_BLESSED, FAILED = 3, 1
ANOTHER = "train.seed=9"  # else the model is the one being served
SPOILED = "train.seed=10"  # trained anew, with what goes wrong
EVALUATION = "dataset.evaluation"
ANY_AUC = f"{EVALUATION}.thresholds.auc={{min: 0.0, max_worsening: 1.0}}"

Patch = pytest.MonkeyPatch


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of bad model.

    Attributes:
        name: As the table has it.
        settings: What the run is given.
        exit_code: With which it must end.
        words: What the screen, the summary and the report must say.
        spoil: What goes wrong in the training, if anything.
    """

    name: str
    settings: tuple[str, ...]
    exit_code: int
    words: str
    spoil: Callable[[Patch], None] = lambda _: None


def constant(patch: Patch) -> None:
    """All weights are 0 after the training."""
    export = tfxkit.training.export.export

    def exported(model: Any, *args: Any, **named: Any) -> None:
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        export(model, *args, **named)

    patch.setattr(tfxkit.training.export, "export", exported)


def floats_wanted(patch: Patch) -> None:
    """`serving_default` takes what no client sends."""

    def serving_fn(model: Any, *_: Any) -> Any:
        @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="fare")])
        def serve(fare: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"probability": tf.sigmoid(fare + tf.reduce_mean(model.weights[0]))}

        return serve

    patch.setattr(tfxkit.training.export, "_serving_fn", serving_fn)


def two_answers_for_all(patch: Patch) -> None:
    """`serving_default` answers with two numbers, however many rows it is sent."""
    serving_fn = tfxkit.training.export._serving_fn

    def wrong(*args: Any) -> Any:
        good = serving_fn(*args)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return good(examples) | {"limits": tf.constant([0.0, 1.0])}

        return serve

    patch.setattr(tfxkit.training.export, "_serving_fn", wrong)


CASES = [
    Case("NaN loss", ("train.learning_rate=1e30",), FAILED, "learning_rate"),
    Case(
        "constant predictions", (SPOILED,), NOT_BLESSED, "auc overall is 0.5, below 0.8", constant
    ),
    Case(
        "worse than the one being served",
        (
            "train.epochs=1",
            "train.learning_rate=1e-6",
            f"{EVALUATION}.thresholds.auc={{min: 0.0, max_worsening: 0.05}}",
        ),
        NOT_BLESSED,
        "worse than the baseline's",
    ),
    Case(
        "a slice much worse than before",
        (SPOILED, ANY_AUC, f"{EVALUATION}.worst_slice.max_worsening=0.02"),
        NOT_BLESSED,
        "accuracy in the slice payment_type: Credit Card",
        constant,
    ),
    Case(
        "a slice below its bound",
        (ANOTHER, f"{EVALUATION}.worst_slice.min=0.99"),
        NOT_BLESSED,
        "accuracy in the worst slice, payment_type: Credit Card",
    ),
    Case(
        "wrong signature: takes floats",
        (SPOILED,),
        NOT_BLESSED,
        "serving_default takes fare (float32), not one tensor of serialized examples",
        floats_wanted,
    ),
    Case(
        "wrong signature: not an answer for each row",
        (SPOILED,),
        FAILED,
        "First dimension does not correspond with batch size",
        two_answers_for_all,
    ),
    Case(
        "too slow for one row",
        (ANOTHER, "serving_check.latency_ms=0.001"),
        NOT_BLESSED,
        "is too slow: one example takes",
    ),
    Case(
        "gives no answer in time",
        (ANOTHER, "serving_check.timeout_s=1"),
        FAILED,
        "gave no answer in 1 s. That is no verdict on the model.",
    ),
    Case(
        "too large",
        (ANOTHER, "serving_check.size_mb=0.01"),
        NOT_BLESSED,
        "MB, 0.01 MB are allowed",
    ),
    Case(
        "needs too much memory",
        (ANOTHER, "serving_check.memory_mb=300"),
        NOT_BLESSED,
        "needed more than 300 MB of memory",
    ),
]


@pytest.fixture(scope="module")
def after_training(after_settling, tmp_path_factory) -> tuple[Project, Path]:
    """With another model that was trained and measured, and neither checked further nor pushed."""
    project = put_back(*after_settling)
    assert project.pipeline("run", f"--set={ANOTHER}", "--to", "Evaluator") == 0
    saved = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(project.root, saved, symlinks=True)
    return project, saved


@pytest.fixture
def trained(after_training) -> Project:
    return put_back(*after_training)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_model(case, trained, row, capfd, monkeypatch):
    before = aftermath.served(trained.outputs)
    with monkeypatch.context() as patch:
        case.spoil(patch)
        code = trained.pipeline("run", *(f"--set={setting}" for setting in case.settings))
    out = capfd.readouterr().out
    summary = trained.latest()
    reasons = [check.detail for check in summary.thresholds if not check.passed]
    found = summary.serving_check or {}
    reasons += [found["reason"]] if found.get("reason") else []
    reasons += [summary.error] if summary.error else []
    row(f"{case.exit_code} {case.words}", f"{code} {'; '.join(reasons)}"[:200])
    assert code == case.exit_code, out
    assert "Traceback" not in out
    assert case.words in " ".join(out.split())
    assert any(case.words in reason for reason in reasons)
    page = (trained.outputs.runs / "latest" / "report.html").read_text()
    assert escape(case.words[1:]) in page  # there they may begin a sentence
    # A model that answers no rows has no curves; all else is there.
    assert page.count("could not be made") == (case.spoil is floats_wanted)
    assert (summary.pushed_path, summary.blessed) in ((None, False), (None, None))
    if code == NOT_BLESSED:
        assert summary.status == Status.NOT_BLESSED
        assert "The served model stays the same" in out
    else:
        assert trained.states()["Pusher"] == State.SKIPPED
    assert aftermath.served(trained.outputs) == before
    aftermath.assert_unharmed(trained.outputs, before)
    assert trained.pipeline("run") == 0
    assert trained.ran() == {"Pusher"}
    assert list(trained.states()) == ORDER


def test_what_the_training_has_done_is_not_done_again_for_another_bound(trained, row):
    assert trained.pipeline("run", f"--set={ANOTHER}", "--set=serving_check.size_mb=0.01") == 3
    code = trained.pipeline("run", f"--set={ANOTHER}")
    row("0 pushed, ServingCheck and Pusher run", f"{code} {sorted(trained.ran())}")
    assert code == 0
    assert trained.ran() == {"ServingCheck", "Pusher"}
    assert trained.latest().status == Status.PUSHED
    aftermath.assert_loadable(trained.outputs)

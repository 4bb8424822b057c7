"""Reuse and pushes of a run: nothing more and nothing less than what changed."""

import pytest

from tests.project_with_runs import AFTER_A_PUSH
from tfxkit.runs.summary import State, Status

pytestmark = pytest.mark.slow
ALL = {
    "ExampleGen", "StatisticsGen", "ImportSchemaGen", "ExampleValidator", "Baseline", "DataGate",
    "Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher",
}  # fmt: skip
UP_TO_TRANSFORM = ALL - {"Trainer", "Evaluator", "ServingCheck", "Pusher"}
FROM_TRAINER = {"Trainer", "Evaluator", "ServingCheck", "Pusher"}


def test_the_first_run_runs_every_step_and_pushes(project):
    summary = project.latest()
    assert (summary.status, summary.exit_code, summary.blessed) == (Status.PUSHED, 0, True)
    assert project.ran() == ALL
    assert project.served() == [summary.pushed_path.rsplit("/", 1)[-1]]
    assert summary.baseline.version is None and summary.baseline.reason
    assert summary.spans and summary.metrics["auc"] > 0.5
    assert summary.metrics["expected_calibration_error"] is not None
    assert summary.training_seconds > 0
    assert {one.slice.split(":")[0] for one in summary.slices}
    assert {check.name for check in summary.thresholds}
    assert summary.versions["tfx"] and summary.config["pipeline"] == project.outputs.root.name


def test_unchanged_runs_push_nothing_and_the_third_reuses_the_evaluator(project):
    served = project.served()
    assert project.pipeline("run") == 0
    second = project.latest()
    assert second.status == Status.ALREADY_SERVED
    assert second.pushed_path.endswith(served[0])
    assert project.ran() == AFTER_A_PUSH
    assert second.baseline.version == served[0] and second.baseline.metrics == second.metrics
    assert project.pipeline("run") == 0
    assert project.ran() == {"Pusher"}
    assert project.latest().status == Status.ALREADY_SERVED
    assert project.served() == served


def test_without_the_cache_the_same_model_is_recognised(project):
    served = project.served()
    assert project.pipeline("run", "--no-cache") == 0
    assert project.ran() == ALL
    assert project.latest().status == Status.ALREADY_SERVED
    assert project.served() == served


def test_a_change_of_the_training_runs_the_trainer_and_what_follows(project):
    assert project.pipeline("run", "--set", "train.seed=7") == 0
    assert project.ran() == FROM_TRAINER | AFTER_A_PUSH
    assert len(project.served()) == 2


def test_a_note_on_a_column_runs_nothing_and_a_threshold_the_evaluator_only(project):
    project.pipeline("run")
    assert project.pipeline("run", "--set", "dataset.columns.fare.why=in dollars") == 0
    assert project.ran() == {"Pusher"}
    assert project.pipeline("run", "--set", "dataset.evaluation.thresholds.auc.min=0.51") == 0
    assert project.ran() == {"Evaluator", "Pusher"}


def test_new_data_and_an_edited_schema_are_read_again(project):
    """Up to Transform: what follows has its inputs from there."""
    newest = project.span(4)
    lines = newest.read_text().splitlines(keepends=True)
    newest.write_text("".join([*lines, *lines[1:60]]))
    assert project.pipeline("run", "--to", "Transform") == 0
    assert project.states()["ImportSchemaGen"] == State.CACHED
    assert project.ran() == UP_TO_TRANSFORM - {"ImportSchemaGen"}

    schema = project.configs / "schema.pbtxt"
    text = schema.read_text()
    assert "max: 77" in text
    schema.write_text(text.replace("max: 77", "max: 78"))
    assert project.pipeline("run", "--to", "DataGate") == 0
    assert {"ImportSchemaGen", "ExampleValidator"} <= project.ran()

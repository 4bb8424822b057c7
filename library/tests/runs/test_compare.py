"""`report --compare` on real runs: its numbers, what it tells, and what it refuses."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.project_with_runs import put_back
from tfxkit.report.comparison import compare as compare_runs
from tfxkit.report.run import Run, RunPair
from tfxkit.runs import summary

pytestmark = pytest.mark.slow


def compare(project, *names):
    return project.pipeline("report", "--no-open", "--compare", *names)


@pytest.fixture(scope="module")
def after_second_run(after_first_run, tmp_path_factory):
    """With another run, of a model that learned less from the same data."""
    project = put_back(*after_first_run)
    assert project.pipeline("run", "--set", "train.epochs=2", "--set", "train.seed=5") in (0, 3)
    saved = tmp_path_factory.mktemp("two-runs") / "project"
    shutil.copytree(project.root, saved, symlinks=True)
    return project, saved


@pytest.fixture
def pair(project, after_second_run):
    """The first run and the second; the project is put back as it was after both."""
    first = project.latest()
    return first, put_back(*after_second_run).latest()


def test_two_models_on_the_same_rows(project, pair, capfd):
    older, newer = pair
    capfd.readouterr()
    assert compare(project, newer.run_id, older.run_id) == 0
    shown = capfd.readouterr().out
    file = project.outputs.runs / newer.run_id / f"compared-with-{older.run_id}.html"
    assert shown.splitlines()[-1] == str(file)
    assert f"newer  {newer.run_id}" in shown and f"older  {older.run_id}" in shown
    assert "Paired" in shown
    for line in ("train.epochs   8      2", "train.seed     1      5"):
        assert line in shown
    assert "code           the same" in shown and "data           the same" in shown
    text = file.read_text()
    assert "train.epochs" in text and "did not move" not in text

    found = compare_runs(RunPair.read(older, newer, project.outputs))
    row = next(one for one in found.quality.rows if one.name == "auc")
    assert (row.served, row.value) == (older.metrics["auc"], newer.metrics["auc"])
    low, high = resampled_change(project, older, newer)
    assert (row.change.low, row.change.high) == pytest.approx((low, high), abs=0.006)
    assert row.change.low < newer.metrics["auc"] - older.metrics["auc"] < row.change.high
    assert {step.name: (step.older.state, step.newer.state) for step in found.steps}[
        "Transform"
    ] == (
        "run",
        "cached",
    )
    assert [one.name for one in found.data.moved] == []
    before = {one.slice: one for one in older.slices}
    for one in (*found.quality.clear, *found.quality.unclear):
        assert one.older == before[one.name].metrics[found.quality.by]
        assert one.older_rows == before[one.name].examples


def resampled_change(project, older, newer):
    """The interval as anybody would compute it, one resample after the other."""
    runs = [Run.read(project.outputs.runs / one.run_id, project.outputs) for one in (older, newer)]
    (labels, before), (_, after) = (
        (run.eval_rows.labels, run.eval_rows.predictions) for run in runs
    )
    random = np.random.default_rng(9)
    changes = []
    for _ in range(600):
        rows = random.integers(0, len(labels), len(labels))
        changes.append(
            roc_auc_score(labels[rows], after[rows]) - roc_auc_score(labels[rows], before[rows])
        )
    return np.quantile(changes, [0.025, 0.975])


def test_other_rows_are_told_and_so_is_what_moved(project, capfd):
    first = project.latest()
    code = project.pipeline("run", "--set", "data.spans=last:2")
    assert code in (0, 3), project.latest().error
    capfd.readouterr()
    assert compare(project, "latest", first.run_id) == 0
    shown = capfd.readouterr().out
    assert "Not paired" in shown
    assert "spans 1, 2, 3, 4 → 3, 4" in shown
    found = compare_runs(RunPair.read(first, project.latest(), project.outputs))
    assert not found.pair.is_paired
    distances = [one.distance for one in found.data.moved]
    assert distances == sorted(distances, reverse=True) and distances[-1] > 0
    assert found.data.moved[0].name == "trip_start_timestamp"
    rows = found.data.rows["eval"]
    assert rows == (first.metrics["example_count"], project.latest().metrics["example_count"])


def test_without_artifacts_numbers_stay_and_intervals_go(project, pair, capfd):
    older, newer = pair
    before = Run.read(project.outputs.runs / older.run_id, project.outputs)
    shutil.rmtree(before.artifact("Trainer", "model").uri)
    shutil.rmtree(before.artifact("StatisticsGen", "statistics").uri)
    capfd.readouterr()
    assert compare(project, older.run_id, newer.run_id) == 0
    shown = capfd.readouterr().out
    assert "there are no intervals" in shown
    assert f"{older.metrics['auc']:.4g}" in shown and f"{newer.metrics['auc']:.4g}" in shown


def test_what_cannot_be_compared_ends_with_2_and_the_reason(project, capfd):
    first = project.latest()
    assert compare(project, "latest", "1999") == 2
    assert f"There is only one run in {project.outputs.runs}" in capfd.readouterr().err
    other = first.model_copy(
        update={"run_id": "20990101-000000", "metrics": {}, "status": "failed", "error": "No disk."}
    )
    (project.outputs.runs / other.run_id).mkdir()
    other.write(project.outputs.runs / other.run_id)
    assert summary.read(project.outputs.runs / other.run_id) == other
    assert compare(project, first.run_id, "1999") == 2
    assert "No run is called '1999'" in capfd.readouterr().err
    assert compare(project, first.run_id, "2099") == 2
    assert "has no model that was measured (failed: No disk)" in capfd.readouterr().err
    assert compare(project, first.run_id, "latest") == 2
    assert f"Both names are of the run {first.run_id}" in capfd.readouterr().err
    assert not list(project.outputs.runs.glob("*/compared-*"))

"""Optional steps: tuning, predictions in bulk, a warm start, windows of spans."""

import shutil

import pytest
from tfx.utils import path_utils

from tests import dag_edits
from tests.engines import artifacts
from tests.sample_project import SAMPLE
from tfxkit.runs.metadata import RunMetadata
from tfxkit.runs.summary import Status
from tfxkit.storage import served_model

pytestmark = pytest.mark.slow


def outputs(project):
    return RunMetadata(project.outputs.metadata, project.latest().run_id).outputs()


def test_the_tuner_hands_what_it_found_to_the_trainer(project):
    settings = ["--set", "tuner={enabled: true, trials: 2, epochs: 1}"]
    assert project.pipeline("run", *settings) == 0
    assert {"Tuner", "Trainer"} <= project.ran()
    assert outputs(project)["Tuner"]["best_hyperparameters"].uri
    assert "Tuner found these settings: width" in project.report()


def test_bulk_inference_predicts_every_row(project):
    unlabelled = project.root / "unlabelled" / "span-1" / "trips.csv"
    project.copy_rows(3, unlabelled, 50)
    settings = ["--set", "bulk_inferrer={enabled: true, path: unlabelled}"]
    assert project.pipeline("run", *settings) == 0
    artifacts.assert_predicted_by_the_model(project, 50)


def test_with_a_warm_start_only_changes_start_a_training(project, caplog):
    warm = ["--set", "train.warm_start=true"]
    assert project.pipeline("run", *warm) == 0
    served = project.served()
    for _ in range(2):  # the baseline is a new one after the push, the training is not
        assert project.pipeline("run", *warm) == 0
        assert project.latest().status == Status.ALREADY_SERVED
        assert project.served() == served
    assert project.pipeline("run", *warm, "--set", "train.seed=5") in (0, 3)
    assert "Trainer" in project.ran()
    assert project.latest().status != Status.ALREADY_SERVED


def test_with_a_warm_start_an_edited_network_is_trained(project, monkeypatch):
    [first] = project.served()
    dag = _with_edited_network(project.root, monkeypatch)
    settings = ("--set", "train.warm_start=true", "--set", f"dag={dag}")
    assert project.pipeline("run", *settings) in (0, 3)
    assert "Trainer" in project.ran()
    assert "it is kept" not in (project.outputs.runs / "latest" / "run.log").read_text()
    before = served_model.read_json(str(project.outputs.serving / first), served_model.TRAINING)
    model = path_utils.serving_model_path(outputs(project)["Trainer"]["model"].uri)
    after = served_model.read_json(model, served_model.TRAINING)
    assert before["code_hash"] and after["code_hash"]
    assert before["code_hash"] != after["code_hash"]
    assert f"<code>{after['code_hash']}</code>" in project.report()


def _with_edited_network(root, monkeypatch):
    """A DAG with a copy of the tests' models, one line longer."""
    models = root / "edited_models"
    shutil.copytree(SAMPLE / "models", models)
    for file in models.glob("*.py"):
        file.write_text(file.read_text().replace("tests.sample.models", "edited_models"))
    with (models / "network.py").open("a") as file:
        file.write("# edited\n")
    monkeypatch.syspath_prepend(root)
    source = (SAMPLE / "dag.py").read_text()
    return dag_edits.with_code(monkeypatch, source.replace("tests.sample.models", "edited_models"))


@pytest.mark.parametrize(("spans", "read"), [("newest", (4,)), ("2", (2,)), ("last:2", (3, 4))])
def test_the_spans_that_are_asked_for_are_read(project, spans, read):
    assert project.pipeline("run", "--to", "ExampleGen", "--set", f"data.spans={spans}") == 0
    assert project.latest().spans == read


def test_a_served_model_of_another_label_is_no_baseline(project):
    other = ["--set", "dataset.label={column: tips, greater_than: 0.1, times: fare}"]
    assert project.pipeline("run", "--to", "Baseline", *other) == 0
    baseline = project.latest().baseline
    assert baseline.version is None and "label" in baseline.reason

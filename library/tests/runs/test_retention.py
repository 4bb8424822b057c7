"""`clean --keep`: what is old goes, and nothing that a model which stays came from."""

from __future__ import annotations

import io
import json
import shutil

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from tests.project_with_runs import Project
from tfxkit.runs.summary import Status
from tfxkit.storage import served_model

pytestmark = pytest.mark.slow


def artifacts(project: Project) -> set[str]:
    """`step/output/execution` of each artifact on disk."""
    root = project.outputs.artifacts
    return {
        str(path.relative_to(root))
        for path in root.glob("*/*/*")
        if not path.parent.name.startswith(".")
    }


def live(project: Project) -> set[str]:
    """The same as ML Metadata has it."""
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(project.outputs.metadata)
    found = ml_metadata.MetadataStore(config).get_artifacts()
    return {
        "/".join(one.uri.removeprefix(f"{project.outputs.artifacts}/").split("/")[:3])
        for one in found
        if one.state == pb.Artifact.LIVE
    }


def runs(project: Project) -> list[str]:
    return sorted(path.name for path in project.outputs.runs.iterdir() if not path.is_symlink())


def run_to_gate(project: Project) -> str:
    assert project.pipeline("run", "--to", "DataGate") == 0
    return project.latest().run_id


def test_what_is_old_goes_and_what_a_kept_model_came_from_stays(project, capfd, monkeypatch):
    serving = project.outputs.serving
    [first] = served_model.versions(str(serving))
    pushed, of_first = project.latest().run_id, artifacts(project)
    of_second = run_to_gate(project)
    with_second = artifacts(project)
    other, restored = first + 1, first + 2
    shutil.copytree(serving / str(first), serving / str(other))
    (serving / str(other) / served_model.FINGERPRINT).write_text("another model")
    third = run_to_gate(project)
    with_third = artifacts(project)
    assert of_first < with_second < with_third
    shutil.copytree(serving / str(first), serving / str(restored))
    (serving / str(restored) / served_model.RESTORED).write_text(json.dumps({"version": first}))

    # Refused: no terminal for the question, and no number.
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert project.pipeline("clean", "--keep", "1") == 2
    assert project.pipeline("clean", "--keep") == 2
    err = capfd.readouterr().err
    assert "--yes" in err and "retention.pushed_models" in err
    assert artifacts(project) == with_third and len(runs(project)) == 3

    # The copy that stays is the model of the first run.
    assert project.pipeline("clean", "--keep", "1", "--yes") == 0
    out = capfd.readouterr().out
    assert of_second in out and pushed not in out and str(serving / str(first)) in out
    assert project.served() == [str(restored)]
    assert runs(project) == [pushed, third]
    assert artifacts(project) == live(project) == with_third - (with_second - of_first)

    # Nothing of the first run is served any more; what the newest run shares with it stays.
    (serving / str(restored) / served_model.RESTORED).unlink()
    assert project.pipeline("clean", "--keep", "--set", "retention.runs=1", "--yes") == 0
    assert runs(project) == [third] and project.served() == [str(restored)]
    left = artifacts(project)
    assert left == live(project)
    steps = {name.split("/")[0] for name in left}
    assert "Trainer" not in steps and {"ExampleGen", "StatisticsGen", "DataGate"} <= steps
    assert project.pipeline("run", "--to", "StatisticsGen") == 0
    assert project.ran() == {"Baseline"}  # for what is served is another version now

    capfd.readouterr()
    assert project.pipeline("clean", "--keep", "9", "--yes") == 0
    assert "Nothing to remove" in capfd.readouterr().out


def test_what_a_kept_model_started_from_stays_and_what_it_was_compared_with_goes(project, capfd):
    bounds = "dataset.evaluation.thresholds.auc={min: 0.5, max_worsening: 1.0}"

    def push(*settings: str) -> tuple[str, str]:
        """Run and version."""
        options = [f"--set={one}" for one in (bounds, *settings)]
        assert project.pipeline("run", *options) == 0
        summary = project.latest()
        assert summary.status == Status.PUSHED
        return summary.run_id, summary.pushed_path.rpartition("/")[2]

    def spans_of(version: str) -> list[int]:
        capfd.readouterr()
        assert project.pipeline("lineage", version, "--json") == 0
        return json.loads(capfd.readouterr().out)["parts"]["data"]["facts"]["spans"]

    (first,), of_first = project.served(), artifacts(project)
    first_run = project.latest().run_id
    started_run, started = push("train.warm_start=true", "train.seed=9")
    with_started = artifacts(project)
    assert project.pipeline("clean", "--keep", "1", "--yes") == 0
    assert project.served() == [started]  # the folder may go: it is in the artifacts
    assert runs(project) == [first_run, started_run]
    assert artifacts(project) == live(project) == with_started
    assert spans_of(first) == spans_of(started) == [1, 2, 3, 4]

    anew_run, _ = push("train.seed=10")
    assert project.pipeline("clean", "--keep", "1", "--yes") == 0
    assert runs(project) == [anew_run]
    trained = {name for name in of_first if name.startswith(("Trainer/", "Pusher/"))}
    assert trained and not trained & artifacts(project)


def test_the_run_that_began_last_stays_where_the_clock_was_set_back_before_it(project):
    pushed, latest, before = project.latest().run_id, run_to_gate(project), "29991231-235959"
    folder = project.outputs.runs / before
    shutil.copytree(project.outputs.runs / latest, folder)
    project.latest().model_copy(update={"run_id": before}).write(folder)
    assert project.pipeline("clean", "--keep", "1", "--yes") == 0
    assert runs(project) == [pushed, latest, before]


@pytest.mark.parametrize("number", ["0", "-1", "all"])
def test_a_number_that_is_none_is_refused(fresh_project, number, capfd):
    with pytest.raises(SystemExit, match="2"):
        fresh_project.pipeline("clean", "--keep", number)
    assert "--keep" in capfd.readouterr().err

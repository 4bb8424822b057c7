"""Serving an earlier version again: what is served, recorded and compared with then."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from tests.project_with_runs import NAME, Project
from tfxkit.components.serving_check import fresh_process
from tfxkit.runs.metadata import RunMetadata
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio

pytestmark = pytest.mark.slow


@pytest.fixture
def two(project) -> tuple[Project, int, int]:
    """The project, its pushed version, and a newer one of another model."""
    [first] = served_model.versions(str(project.outputs.serving))
    second = first + 10
    copy = shutil.copytree(
        project.outputs.serving / str(first), project.outputs.serving / str(second)
    )
    (copy / served_model.FINGERPRINT).write_text("another model")
    return project, first, second


def fingerprints(project: Project) -> dict[int, str]:
    folder = str(project.outputs.serving)
    return {
        version: served_model.fingerprint(f"{folder}/{version}")
        for version in served_model.complete_versions(folder)
    }


def contents(version_dir: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(version_dir)): path.read_bytes()
        for path in version_dir.rglob("*")
        if path.is_file()
    }


def store(project: Project) -> ml_metadata.MetadataStore:
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(project.outputs.metadata)
    return ml_metadata.MetadataStore(config)


def test_without_an_answer_in_time_nothing_is_changed(two, monkeypatch, capfd):
    project, first, _ = two
    before = fingerprints(project)
    timeout = fresh_process.ProcessEnd("gave no answer in 300 s", 0.0, is_accident=True)
    monkeypatch.setattr(fresh_process, "run_limited", lambda *_args, **_kwargs: timeout)
    assert project.pipeline("rollback", str(first)) == 1
    error = capfd.readouterr().err
    assert f"Version {first} could not be checked." in error
    assert "gave no answer in 300 s. Nothing was changed. Run it again." in error
    assert fingerprints(project) == before


def test_the_model_before_is_served_recorded_and_compared_with(two, capfd):
    project, first, second = two
    before = fingerprints(project)
    assert project.pipeline("rollback") == 0
    out = capfd.readouterr().out
    after = fingerprints(project)
    [new] = after.keys() - before.keys()
    assert new > second and after == {**before, new: before[first]}
    assert f"Version {new} is served now: the model of version {first}." in out
    assert f"rollback {second}" in out
    copied = contents(project.outputs.serving / str(new))
    assert json.loads(copied.pop(served_model.RESTORED)) == {"version": first}
    assert copied == contents(project.outputs.serving / str(first))

    metadata = store(project)
    [rollback] = metadata.get_executions_by_type("Rollback")
    assert rollback.last_known_state == pb.Execution.COMPLETE
    events = metadata.get_events_by_execution_ids([rollback.id])
    artifacts = {
        event.type: metadata.get_artifacts_by_id([event.artifact_id])[0] for event in events
    }
    source, made = artifacts[pb.Event.INPUT], artifacts[pb.Event.OUTPUT]
    assert source.type == made.type == "PushedModel"
    assert source.uri.startswith(str(project.outputs.artifacts / "Pusher"))
    assert made.custom_properties["pushed_version"].string_value == str(new)
    assert [context.name for context in metadata.get_contexts_by_execution(rollback.id)] == [NAME]
    del metadata

    assert project.pipeline("run", "--to", "Baseline") == 0
    outputs = RunMetadata(project.outputs.metadata, project.latest().run_id).outputs()
    assert outputs["Baseline"]["model"].properties["served_version"] == str(new)

    # Unnamed, not forth to the one that was rolled back from.
    capfd.readouterr()
    for arguments, told in [
        ((), "nothing to roll back to"),
        (("7",), f"There is no version 7 in {project.outputs.serving}; there are: {first}, "),
    ]:
        assert project.pipeline("rollback", *arguments) == 2
        assert told in capfd.readouterr().err
    for same in (first, new):  # the same model under its old number, and under its new one
        assert project.pipeline("rollback", str(same)) == 0
        assert "is the one that is served" in capfd.readouterr().out
    assert fingerprints(project) == after


def test_one_that_was_rolled_back_from_is_served_again_by_its_name(two, capfd):
    project, _, second = two
    served = fingerprints(project)[second]
    assert project.pipeline("rollback") == 0
    assert project.pipeline("rollback", str(second)) == 0
    assert f"the model of version {second}." in capfd.readouterr().out
    newest = served_model.newest_version(str(project.outputs.serving))
    assert served_model.fingerprint(newest) == served
    assert served_model.origin(newest) == second


def test_a_named_version_is_served_where_models_are_on_s3(two, s3, capfd):
    project, first, second = two
    for version in (first, second):
        folder = project.outputs.serving / str(version)
        for name, content in contents(folder).items():
            with fileio.open(f"{s3}/models/{version}/{name}", "wb") as file:
                file.write(content)
    there = f"{s3}/models"
    assert project.pipeline("rollback", str(first), "--serving", there) == 0
    newest = served_model.newest_version(there)
    assert served_model.complete_versions(there)[:2] == [first, second]
    assert served_model.origin(newest) == first
    assert served_model.fingerprint(newest) == served_model.fingerprint(f"{there}/{first}")
    [rollback] = store(project).get_executions_by_type("Rollback")
    assert rollback.custom_properties["restored"].string_value == f"{there}/{first}"
    assert project.served() == [str(first), str(second)]  # here nothing was done
    assert "s3" not in capfd.readouterr().err


@pytest.mark.parametrize("harm", ["a part is missing", "a file is cut", "busy", "metadata"])
def test_what_cannot_be_is_said_and_changes_nothing(two, harm, capfd):
    project, first, _ = two
    version = project.outputs.serving / str(first)
    code, holding = 2, contextlib.nullcontext()
    if harm == "a part is missing":
        (version / served_model.WEIGHTS).unlink()
        told = f"Version {first} is damaged: it lacks {served_model.WEIGHTS}."
    elif harm == "a file is cut":
        (version / "saved_model.pb").write_bytes(b"cut")
        told = f"Version {first} is damaged: it does not serve: it cannot be loaded"
    elif harm == "busy":
        holding, told = project.outputs.lock(), "is in use by another run"
    else:
        project.outputs.metadata.write_bytes(b"no database" * 1000)
        code, told = 1, f"{project.outputs.metadata} cannot be opened: file is not a database"
    before = project.served()
    with holding:
        assert project.pipeline("rollback", str(first)) == code
    err = capfd.readouterr().err
    assert told in err and "Traceback" not in err
    assert project.served() == before


def test_without_a_model_it_says_how_to_get_one(fresh_project, capfd):
    for arguments in (("rollback",), ("rollback", "1")):
        assert fresh_project.pipeline(*arguments) == 2
        assert "python -m pipeline run" in capfd.readouterr().err

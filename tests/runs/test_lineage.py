"""From a pushed version back to its data, and from data to versions, on a real run's metadata."""

from __future__ import annotations

import json

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from components import served_model
from pipeline.commit import commit_of
from pipeline.summary import Status
from tests.sample_project import ROOT

pytestmark = pytest.mark.slow
SPANS, ROWS = [1, 2, 3, 4], 1600


def asked(project, capfd, *args: str) -> dict:
    capfd.readouterr()
    assert project.pipeline("lineage", *args, "--json") == 0
    return json.loads(capfd.readouterr().out)


def put_in_place_again(project) -> None:
    """What a roll-back leaves: an execution that reads the pushed model and hands it on."""
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(project.outputs.metadata)
    store = ml_metadata.MetadataStore(config)
    [pushed] = store.get_artifacts_by_type("PushedModel")
    again = pb.Artifact()
    again.CopyFrom(pushed)
    again.ClearField("id")
    again.ClearField("name")
    again.uri += "-again"
    type_id = store.put_execution_type(pb.ExecutionType(name="Rollback"))
    execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.COMPLETE)
    read = pb.Event(artifact_id=pushed.id, type=pb.Event.INPUT)
    store.put_execution(execution, [(pushed, read), (again, pb.Event(type=pb.Event.OUTPUT))], [])


def test_what_the_served_model_came_from(project, capfd):
    [version], run = project.served(), project.latest()
    found = asked(project, capfd)
    assert found == asked(project, capfd, version)
    assert (found["version"], found["path"], found["state"]) == (version, run.pushed_path, "served")
    assert set(found["parts"]) == {"data", "schema", "transform", "model"}
    assert {part["run"] for part in (*found["parts"].values(), *found["pushes"])} == {run.run_id}
    data, model = found["parts"]["data"]["facts"], found["parts"]["model"]["facts"]
    assert data["spans"] == list(run.spans) == SPANS
    assert sum(data["rows"].values()) == ROWS
    assert data["fingerprint"].startswith("content:")
    assert model["fingerprint"] == served_model.fingerprint(run.pushed_path)
    assert all(found["parts"][name]["code"] for name in ("data", "transform", "model"))
    assert found["commit"] == run.commit == commit_of(ROOT)
    assert found["config"]["run"] == run.run_id


def test_a_person_reads_the_same_and_finds_versions_by_span(project, capfd):
    [version], run = project.served(), project.latest()
    assert project.pipeline("lineage", version) == 0
    shown = capfd.readouterr().out
    for told in (version, run.run_id, "1,600 rows", "spans 1, 2, 3, 4", "ExampleGen", "Trainer"):
        assert told in shown
    assert project.pipeline("lineage", "--span", "2") == 0
    assert f"{version}  served  1, 2, 3, 4" in capfd.readouterr().out
    assert project.pipeline("lineage", "--span", "9") == 2
    assert "They came from: 1, 2, 3, 4." in capfd.readouterr().err


def test_a_model_that_was_put_in_place_again_has_one_origin(project, capfd):
    before = asked(project, capfd)
    put_in_place_again(project)
    after = asked(project, capfd)
    assert [push["step"] for push in after["pushes"]] == ["Pusher", "Rollback"]
    assert after["parts"] == before["parts"]
    assert len(asked(project, capfd, "--span", "2")["versions"]) == 1


def test_what_is_not_known_is_said(project, fresh_project, capfd):
    assert fresh_project.pipeline("lineage") == 2
    assert "Nothing is served" in capfd.readouterr().err
    assert project.pipeline("lineage", "17") == 2
    assert f"It knows: {project.served()[0]}." in capfd.readouterr().err
    assert project.pipeline("clean", "--yes") == 0
    assert project.pipeline("lineage") == 2
    assert "carries its schema" in capfd.readouterr().err
    assert project.pipeline("lineage", "--span", "2") == 2
    assert "None is pushed yet." in capfd.readouterr().err


def test_the_folder_of_a_version_may_be_gone(project, capfd):
    [version] = project.served()
    (project.outputs.serving / version / "saved_model.pb").unlink()
    assert asked(project, capfd, version)["state"] == "gone"
    assert project.latest().status == Status.PUSHED

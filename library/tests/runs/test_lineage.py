"""From a pushed version back to its data, and from data to versions, on a real run's metadata."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.project_with_runs import Project
from tests.sample_project import ROOT
from tfxkit.execution import commit_of
from tfxkit.runs.summary import Status
from tfxkit.storage import served_model

pytestmark = pytest.mark.slow
SPANS, ROWS = [1, 2, 3, 4], 1600


def asked(project, capfd, *args: str) -> dict:
    capfd.readouterr()
    assert project.pipeline("lineage", *args, "--json") == 0
    return json.loads(capfd.readouterr().out)


@pytest.fixture
def two(project) -> tuple[Project, str, str]:
    """The project, its pushed version, and a newer one of another model, which is served."""
    serving = project.outputs.serving
    [first] = project.served()
    second = str(int(first) + 10)
    shutil.copytree(serving / first, serving / second)
    (serving / second / served_model.FINGERPRINT).write_text("another model")
    return project, first, second


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


def test_a_model_that_is_served_again_has_one_origin(two, capfd):
    project, first, _ = two
    before = asked(project, capfd, first)
    assert project.pipeline("rollback") == 0
    after = asked(project, capfd)
    assert [push["step"] for push in before["pushes"]] == ["Pusher"]
    assert [push["step"] for push in after["pushes"]] == ["Rollback"]
    assert after["parts"] == before["parts"] == asked(project, capfd, first)["parts"]
    versions = [one["version"] for one in asked(project, capfd, "--span", "2")["versions"]]
    assert versions == [first, after["version"]]
    assert project.pipeline("lineage") == 0
    shown = capfd.readouterr().out
    assert f"served again by Rollback, {after['pushes'][0]['at']}" in shown
    assert "in run ," not in shown and "pushed by" not in shown


def test_a_model_that_is_pushed_and_then_found_to_be_served_has_both(project, capfd):
    assert project.pipeline("run", "--from", "Pusher") == 0
    pushes = asked(project, capfd)["pushes"]
    assert [push["step"] for push in pushes] == ["Pusher", "Pusher"]
    assert [push["facts"]["adopted"] for push in pushes] == [False, True]
    assert project.pipeline("lineage") == 0
    shown = capfd.readouterr().out
    assert "── pushed by Pusher in run" in shown
    assert f"found to be served already by Pusher in run {project.latest().run_id}" in shown


def test_a_model_whose_past_is_lost_is_served_again(two, capfd):
    project, first, _ = two
    assert project.pipeline("clean", "--yes") == 0
    assert project.pipeline("rollback") == 0
    found = asked(project, capfd)
    assert found["version"] not in two and found["parts"] == {}
    assert [push["step"] for push in found["pushes"]] == ["Rollback"]
    assert project.pipeline("lineage", "--span", "2") == 2
    assert "has no data for any served version" in capfd.readouterr().err
    assert project.pipeline("lineage", first) == 2
    err = capfd.readouterr().err
    assert f"It has: {found['version']}." in err and "carries its schema" in err


def cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def zeroed(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def without_one_page(file: Path) -> None:
    """The file can be opened, but not all of a table be read: the last leaf of its tree is gone."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        [size] = database.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'ExecutionProperty'"
        [root] = database.execute(query).fetchone()
    with file.open("r+b") as opened:
        opened.seek(size * (root - 1))
        header = opened.read(12)
        assert header[0] == 5, "not the inner node of a table"  # sqlite.org/fileformat.html
        leaf = int.from_bytes(header[8:], "big")
        opened.seek(size * (leaf - 1))
        opened.write(bytes(size))


@pytest.mark.parametrize(
    ("damage", "what"),
    [(cut_in_half, "opened"), (zeroed, "opened"), (without_one_page, "read")],
)
def test_damaged_metadata_is_told_in_one_screen(damage, what, project, capfd):
    damage(project.outputs.metadata)
    for arguments in ((), ("--span", "2")):
        assert project.pipeline("lineage", *arguments) == 2
        err = capfd.readouterr().err
        assert f"{project.outputs.metadata} cannot be {what}: " in err
        assert "python -m pipeline run" in err and len(err.splitlines()) < 5
    assert project.pipeline("clean", "--keep", "1", "--yes") == 1
    err = capfd.readouterr().err
    assert f"{project.outputs.metadata} cannot be {what}: " in err and "Traceback" not in err


def test_what_is_not_known_is_said(project, fresh_project, capfd):
    assert fresh_project.pipeline("lineage") == 2
    assert "Nothing is served" in capfd.readouterr().err
    assert project.pipeline("lineage", "17") == 2
    assert f"It has: {project.served()[0]}." in capfd.readouterr().err
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

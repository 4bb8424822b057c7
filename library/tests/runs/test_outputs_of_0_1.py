"""Outputs that version 0.1 left: they are shown, served, compared with and started from.

`data_of_0_1/outputs.tar.xz` holds what the code of 456d011 left of two runs that pushed a model
and of one that was killed; `data_of_0_1/make.py` made it. Its modules of that time are not there
any more, and nothing may look for them.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import re
import sqlite3
import sys
import tarfile
from pathlib import Path

import pytest

from tests.data_of_0_1.make import ARCHIVE, FOLDER
from tests.project_with_runs import NAME, Project
from tfxkit.runs import summary
from tfxkit.runs.metadata import RunMetadata
from tfxkit.runs.summary import State, Status
from tfxkit.storage import served_model

pytestmark = pytest.mark.slow


def unpack(root: Path) -> Project:
    """The project of that time, with its configuration, which today's DAG runs with."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(root, filter="data")
    outputs = root / "outputs" / NAME
    with contextlib.closing(sqlite3.connect(outputs / "metadata.sqlite")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                if kind.upper().startswith(("TEXT", "VARCHAR")):
                    update = f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
                    database.execute(update, (FOLDER, str(root)))
        database.commit()
    for file in outputs.rglob("*.json"):
        file.write_text(file.read_text().replace(FOLDER, str(root)))
    return Project(root)


@pytest.fixture
def old(tmp_path) -> Project:
    return unpack(tmp_path / "project")


def own_modules() -> set[str]:
    """Modules of 0.1 that are imported; none of them exists any more."""
    gone = ("components.served_model", "components.errors", "models.preprocessing")
    return {name for name in sys.modules if name.startswith(gone)}


def versions(project: Project) -> list[int]:
    return served_model.complete_versions(str(project.outputs.serving))


def test_runs_and_lineage_are_shown(old, capfd):
    first, second, killed = summary.history(old.outputs.runs)
    assert [first.status, second.status, killed.status] == [
        *(Status.PUSHED, Status.PUSHED, Status.RUNNING)
    ]
    assert old.pipeline("runs") == 0
    shown = capfd.readouterr().out
    assert all(run.run_id in shown for run in (first, second, killed))

    assert old.pipeline("show", second.run_id) == 0
    shown = capfd.readouterr().out
    assert "pushed" in shown.lower() and f"{second.metrics['auc']:.4g}" in shown
    assert old.pipeline("show") == 0
    assert "killed" in capfd.readouterr().out

    assert old.pipeline("lineage") == 0
    shown = capfd.readouterr().out
    assert second.run_id in shown and str(versions(old)[-1]) in shown
    assert old.pipeline("lineage", "--span", "4") == 0
    assert str(versions(old)[0]) in capfd.readouterr().out
    assert not own_modules()


def test_a_report_of_both_is_made(old, capfd):
    first, second, _ = summary.history(old.outputs.runs)
    assert old.pipeline("report", second.run_id, "--no-open") == 0
    page = (old.outputs.runs / second.run_id / "report.html").read_text()
    assert page.count("could not be made") == 1  # its models did not list their features
    names = ("--compare", first.run_id, second.run_id)
    assert old.pipeline("report", "--no-open", *names) == 0, capfd.readouterr().err


def test_a_rollback_serves_the_model_before(old, capfd):
    first, second = versions(old)
    assert old.pipeline("rollback") == 0
    assert f"the model of version {first}." in capfd.readouterr().out
    assert old.pipeline("rollback", str(second)) == 0
    fingerprints = [
        served_model.fingerprint(f"{old.outputs.serving}/{version}") for version in versions(old)
    ]
    assert fingerprints[2:] == fingerprints[:2]


def test_each_version_is_served(old):
    from tfxkit.serving.model import LoadedModel

    for version in versions(old):
        model = LoadedModel(f"{old.outputs.serving}/{version}")
        unknown = dict.fromkeys(model.rows.types)
        rows = model.rows.read([{**unknown, "payment_type": "Cash", "fare": 9.5}, unknown])
        [found] = model.run("serving_default", {"examples": model.rows.encode(rows)}).values()
        assert found.shape == (2, 1) and ((found >= 0) & (found <= 1)).all()


def test_it_predicts(old, capfd):
    rows, out = old.root / "rows.csv", old.root / "predictions.csv"
    old.copy_rows(4, rows, 20)
    assert old.pipeline("predict", str(rows), "--output", str(out)) == 0, capfd.readouterr().err
    with out.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 20
    readings = [served_model.reading(f"{old.outputs.serving}/{one}") for one in versions(old)]
    assert {reading.rules for reading in readings} == {1}
    [output] = found[0].keys() - next(csv.DictReader(rows.open())).keys()
    assert all(0 <= float(row[output]) <= 1 for row in found)


def test_a_killed_run_is_not_resumed(old, capfd):
    *_, killed = summary.history(old.outputs.runs)
    before = sorted(path.name for path in old.outputs.runs.iterdir())
    assert old.pipeline("resume") == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and "Traceback" not in err
    assert f"Run {killed.run_id} was begun by version 0.1" in err
    assert "python -m pipeline run --config fast" in err
    assert sorted(path.name for path in old.outputs.runs.iterdir()) == before


def test_the_next_run_compares_with_it_and_starts_from_it(old, capfd, caplog):
    """Whatever ML Metadata has of the killed run, and of modules of that time."""
    caplog.set_level(logging.INFO, "tfxkit.training.weights")
    served = str(versions(old)[-1])
    assert old.pipeline("run", "--set", "model.width=16", "--set", "train.warm_start=true") in (
        0,
        3,
    )
    run = old.latest()
    assert run.status in (Status.PUSHED, Status.NOT_BLESSED)
    assert run.baseline.version == served
    assert run.baseline.metrics["auc"] > 0.5
    assert old.states()["Trainer"] is State.RUN
    outputs = RunMetadata(old.outputs.metadata, run.run_id).outputs()
    assert outputs["Baseline"]["model"].properties["served_version"] == served
    [(taken, known)] = re.findall(r"Started from the weights .*: (\d+) of (\d+)", caplog.text)
    assert int(taken) == int(known) > 10  # the network that is shipped has not changed
    assert run.versions[summary.LIBRARY]
    assert not own_modules()
    capfd.readouterr()
    assert old.pipeline("resume") == 0
    assert "nothing to resume" in capfd.readouterr().out

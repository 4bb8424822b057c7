"""Data from a SQLite database, by a reader of the project's own, through a whole run."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3

import numpy as np
import pytest
import tensorflow as tf

from tests.foreign.trips_database import FILE, rows
from tests.project_with_runs import NAME
from tfxkit.runs import summary
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import State, Status

pytestmark = pytest.mark.slow
YEARS = (2013, 2014, 2015, 2016)


def text(value):
    """A value of the CSV as the schema has it."""
    try:
        return float(np.float32(value))
    except ValueError:
        return value.encode()


def values(example):
    found = {}
    for name, feature in tf.train.Example.FromString(example).features.feature.items():
        [value] = getattr(feature, feature.WhichOneof("kind")).value
        found[name] = value if isinstance(value, bytes) else float(np.float32(value))
    return found


def test_the_run_has_learned_from_the_rows_of_the_table(foreign):
    [uri] = (foreign.outputs.artifacts / "ExampleGen" / "examples").iterdir()
    files = [str(path) for path in sorted(uri.glob("Split-*/*"))]
    records = tf.data.TFRecordDataset(files, compression_type="GZIP")
    found = [values(record.numpy()) for record in records]
    wanted = [{n: text(v) for n, v in row.items() if v} for _, row in rows(foreign.root)]
    assert sorted(map(str, map(sorted, map(dict.items, found)))) == sorted(
        map(str, map(sorted, map(dict.items, wanted)))
    )
    outcomes = json.loads((uri / "files.json").read_text())["files"]
    assert [one["file"] for one in outcomes] == [f"span {y} of components.trips" for y in YEARS]
    assert foreign.latest().spans == YEARS


def test_lineage_shows_the_source(foreign, lineage):
    assert "spans 2013, 2014, 2015, 2016, read by components.trips" in lineage
    assert f"{len(rows(foreign.root)):,} rows: eval" in lineage
    assert "fingerprint reader:" in lineage


def test_unchanged_rows_are_reused_and_changed_ones_meet_the_gate(foreign):
    """In outputs of its own, which begin as those of the run: the served model is the same."""
    shutil.copytree(foreign.root / "outputs", foreign.root / "later", symlinks=True)
    shutil.copy(foreign.root / FILE, foreign.root / "data/later.sqlite")

    def run(*settings):
        chosen = [word for setting in settings for word in ("--set", setting)]
        done = foreign.pipeline("run", "--set", "outputs=later", "--to", "DataGate", *chosen)
        told = summary.read(Outputs(foreign.root / "later" / NAME).runs / "latest")
        return done, told, {step.name: step.state for step in told.steps}

    done, told, states = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert states["ExampleGen"] == State.CACHED

    later = foreign.root / "data/later.sqlite"
    with contextlib.closing(sqlite3.connect(later)) as database, database:
        database.execute("UPDATE trips SET trip_miles = NULL, fare = fare + 50 WHERE id % 3")
    done, told, states = run("data.path=data/later.sqlite", "data.spans=last:1")
    assert done.returncode == 4, done.stdout + done.stderr
    assert states["ExampleGen"] == State.RUN
    assert told.status == Status.STOPPED
    assert told.spans == (2016,)
    assert "trip_miles" in done.stdout
    assert "fare" in done.stdout

"""Disks, locks, memory, clocks: what the screen says when they fail; and then all is well."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from tests.project_with_runs import ORDER, Project
from tests.reliability import aftermath
from tests.reliability.in_step import during
from tests.reliability.processes import DEADLINE_S, start, with_trouble
from tests.sample_project import ROOT
from tfxkit.runs import outputs
from tfxkit.runs.summary import State, Status

NOBODY = 65534


def last_words(text: str) -> str:
    return " / ".join(line for line in text.splitlines() if line.strip())[-160:]


# ---- Disks


def test_a_full_disk(settled, row, capfd):
    """No file can grow any more, from the training on: not even the log and the summary."""
    before = aftermath.served(settled.outputs)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    try:
        with during("Trainer", fill):
            code = settled.pipeline("run", "--set", "train.seed=9")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    out = capfd.readouterr().out
    row("1 The disk is full. Make room … resume", f"{code} {last_words(out)}")
    assert code == 1
    assert "The disk is full. Make room" in out and "python -m pipeline resume" in out
    assert "Traceback" not in out
    aftermath.assert_unharmed(settled.outputs, before)
    assert settled.pipeline("resume") == 0
    assert settled.ran() >= {"Trainer", "Evaluator", "ServingCheck", "Pusher"}
    assert not settled.ran() & set(ORDER[: ORDER.index("Trainer")])
    aftermath.assert_unharmed(settled.outputs, before)
    aftermath.assert_nothing_left_over(settled.outputs)


SMALL_DISK = """
set -u
mkdir -p "$OUTPUTS" && mount -t tmpfs -o size=1m tmpfs "$OUTPUTS"
exec "$PYTHON" - "$@" <<'END'
import os, pathlib, subprocess, sys
from tfxkit import cli
print("first:", cli.main(["run", "--to", "Transform", *sys.argv[1:]]), flush=True)
subprocess.run(["mount", "-o", "remount,size=300m", os.environ["OUTPUTS"]], check=True)
print("second:", cli.main(["resume", *sys.argv[1:]]))
[summary] = pathlib.Path(os.environ["OUTPUTS"]).glob("*/runs/latest/summary.json")
print("summary:", summary.read_text())
END
"""


def test_a_full_file_system(fresh_project, row):
    """A real one, where this system lets us make it: in a name space of its own."""
    space = ["unshare", "--map-root-user", "--mount"]
    mount = subprocess.run([*space, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False)
    if mount.returncode:
        pytest.skip("this system gives us no file system of our own")
    arguments = fresh_project.arguments("run")[1:]
    ended = subprocess.run(
        [*space, "sh", "-c", SMALL_DISK, "sh", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "OUTPUTS": str(fresh_project.root / "outputs"),
            "PYTHON": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * DEADLINE_S,
    )
    first, _, second = ended.stdout.partition("first: ")
    row("1 The disk is full … then 0", f"{second[:1]} {last_words(first)}")
    assert second.startswith("1\n"), ended.stdout + ended.stderr
    assert "The disk is full. Make room" in first, ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "second: 0" in second
    steps = json.loads(second.partition("summary:")[2])["steps"]
    assert {step["name"]: step["state"] for step in steps}["Transform"] == State.RUN


@contextlib.contextmanager
def as_somebody_else(project: Project, *folders: Path):
    """Takes from this process the right to write into folders."""
    if os.geteuid() != 0:
        for folder in folders:
            folder.chmod(0o555)
        yield
        for folder in folders:
            folder.chmod(0o755)
        return
    parents = (project.root, *project.root.parents)
    opened = [parent for parent in parents if parent.stat().st_mode & 0o7 == 0]
    modes = [(parent, parent.stat().st_mode) for parent in opened]
    for path in project.outputs.root.rglob("*"):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    os.chown(project.outputs.root, NOBODY, NOBODY)
    for folder in folders:
        os.chown(folder, 0, 0)
    for parent in opened:
        parent.chmod(0o711)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes:
            parent.chmod(mode)


READ_ONLY = [
    ("outputs", lambda outputs: [outputs.root, outputs.root / ".lock"], 2, "Cannot write to"),
    ("runs", lambda outputs: [outputs.runs], 2, "Cannot write to"),
    ("metadata.sqlite", lambda outputs: [outputs.metadata], 2, "Cannot write to"),
    ("artifacts", lambda outputs: [outputs.artifacts / "Trainer" / "model"], 1, "ermission denied"),
    ("serving_model", lambda outputs: [outputs.serving], 1, "The model cannot be pushed to"),
]


@pytest.mark.parametrize("case", READ_ONLY, ids=[one[0] for one in READ_ONLY])
def test_read_only(case, settled, row, capfd):
    name, folders, exit_code, words = case
    before = aftermath.served(settled.outputs)
    arguments = ("--set", "train.seed=9") if exit_code == 1 else ()
    with contextlib.ExitStack() as stack:

        def lock_out() -> None:
            stack.enter_context(as_somebody_else(settled, *folders(settled.outputs)))

        # The serving check starts a process, which somebody else may not be allowed to.
        if name == "serving_model":
            stack.enter_context(during("Pusher", lock_out))
        else:
            lock_out()
        code = settled.pipeline("run", *arguments)
    out, err = capfd.readouterr()
    row(f"{exit_code} {words}", f"{code} {last_words(out + err)}")
    assert code == exit_code, out + err
    assert words in out + err and "Traceback" not in out
    aftermath.assert_unharmed(settled.outputs, before)
    if exit_code == 1:
        done = set(ORDER[: ORDER.index("Trainer" if name == "artifacts" else "Pusher")])
        assert settled.pipeline("resume") == 0
        assert settled.latest().status == Status.PUSHED
        assert not settled.ran() & done
    else:
        assert settled.pipeline("run") == 0
        assert settled.ran() == {"Pusher"}
    aftermath.assert_unharmed(settled.outputs, before)


def test_a_file_in_place_of_the_outputs(fresh_project, row, capfd):
    (fresh_project.root / "outputs").write_text("not a folder")
    code = fresh_project.pipeline("run")
    err = capfd.readouterr().err
    row("2 Cannot write to", f"{code} {last_words(err)}")
    assert code == 2
    assert "Cannot write to" in err and len(err.splitlines()) < 5


# ---- Locks


@contextlib.contextmanager
def held(file: Path, seconds: float = 3600):
    """Another process has the file, for so long."""
    program = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]);"
        "database.execute('BEGIN EXCLUSIVE'); print('held', flush=True);"
        "import time; time.sleep(float(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(file), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def test_metadata_locked_by_another_process(settled, row, monkeypatch, capfd):
    before = aftermath.served(settled.outputs)
    monkeypatch.setattr(outputs, "METADATA_WAIT_S", 0.5)
    with held(settled.outputs.metadata):
        code = settled.pipeline("run")
    err = capfd.readouterr().err
    row("2 locked by another process", f"{code} {last_words(err)}")
    assert code == 2
    assert "locked by another process" in err and len(err.splitlines()) < 5
    assert settled.pipeline("run") == 0
    assert settled.ran() == {"Pusher"}
    aftermath.assert_unharmed(settled.outputs, before)


def test_metadata_locked_for_a_moment(settled, row):
    before = aftermath.served(settled.outputs)
    with held(settled.outputs.metadata, seconds=1):
        code = settled.pipeline("run")
    row("0: the run waits", f"{code} {settled.ran()}")
    assert (code, settled.ran()) == (0, {"Pusher"})
    aftermath.assert_unharmed(settled.outputs, before)


def test_two_runs_at_once(settled, row):
    before = aftermath.served(settled.outputs)
    second = []

    def run() -> None:
        second.append(start("pipeline", *settled.arguments("run")))

    with during("Pusher", run):
        assert settled.pipeline("run") == 0
    [ended] = second
    row("2 in use by another run (process …)", f"{ended.returncode} {last_words(ended.stderr)}")
    assert ended.returncode == 2
    assert f"in use by another run (process {os.getpid()})" in ended.stderr
    assert "--set outputs=FOLDER" in ended.stderr
    assert settled.ran() == {"Pusher"}  # the first was not disturbed
    aftermath.assert_unharmed(settled.outputs, before)


# ---- Memory


def test_out_of_memory_in_the_training(settled, row):
    before = aftermath.served(settled.outputs)
    ended = with_trouble(settled, "Trainer", "memory", "run", "--set", "train.seed=9")
    row("not 0, and an end; then resume", f"{ended.returncode} {last_words(ended.stdout)}")
    assert ended.returncode != 0, ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    if ended.returncode == 1:
        assert "Memory ran out" in ended.stdout
    else:  # C++ that gets no memory ends its process, who can say nothing more
        assert ended.returncode < 0
    aftermath.assert_unharmed(settled.outputs, before)
    assert settled.pipeline("resume") == 0
    assert not settled.ran() & set(ORDER[: ORDER.index("Trainer")])
    assert settled.latest().status == Status.PUSHED
    aftermath.assert_unharmed(settled.outputs, before)


# ---- Clocks and hands


def test_a_clock_that_was_set_back(settled, row, monkeypatch):
    """By a year, for what this project asks it: versions stay in order, resume takes the last run.

    The clock of the whole process cannot be set: Beam pickles `time.time`, ML Metadata asks C++.
    """
    before, year = aftermath.served(settled.outputs), 365 * 86400

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.now(tz) - datetime.timedelta(seconds=year)

    with monkeypatch.context() as patch:
        behind = types.SimpleNamespace(**vars(time) | {"time": lambda: time.time() - year})
        patch.setattr("tfxkit.components.pusher.publishing.time", behind)
        patch.setattr(outputs, "datetime", Clock)
        with patch.context() as broken:
            broken.setattr("tfxkit.training.export.export", _interrupt)
            assert settled.pipeline("run", "--set", "train.seed=9") == 130
        assert settled.pipeline("run", "--to", "Nowhere") == 2  # leaves no run behind
        code = settled.pipeline("resume")
        assert code == 0, settled.latest().error
    new = aftermath.served(settled.outputs).keys() - before.keys()
    row("0, a greater version", f"{code} {settled.latest().status} {new} after {max(before)}")
    assert (code, settled.latest().status) == (0, Status.PUSHED)
    assert settled.latest().config["train"]["seed"] == 9
    assert int(*new) > int(max(before))
    aftermath.assert_unharmed(settled.outputs, before)
    assert settled.pipeline("run", "--set", "train.seed=9") == 0  # the clock is right again
    assert settled.latest().status == Status.ALREADY_SERVED


def _interrupt(*_args: object, **_named: object) -> None:
    raise KeyboardInterrupt


def test_a_pushed_version_deleted_by_hand(settled, row):
    before = aftermath.served(settled.outputs)
    shutil.rmtree(settled.outputs.serving)
    code = settled.pipeline("run")
    ran = settled.ran()
    row("0 pushed again, nothing trained", f"{code} {settled.latest().status} {sorted(ran)}")
    assert (code, settled.latest().status) == (0, Status.PUSHED)
    assert not ran & {"ExampleGen", "StatisticsGen", "Transform", "Trainer"}
    assert list(aftermath.served(settled.outputs).values()) == list(before.values())
    aftermath.assert_nothing_left_over(settled.outputs)
    aftermath.assert_loadable(settled.outputs)

"""A run that is killed or interrupted goes on where it was."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import summary
from pipeline.runners import local
from pipeline.summary import State, Status

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DEADLINE_S = 120


def end_during(project, step: str, how: signal.Signals, *args: str) -> subprocess.CompletedProcess:
    """Starts a run as a process and sends it a signal while a step runs."""
    before = project.outputs.runs / "latest"
    old = os.readlink(before) if before.exists() else None
    command = [sys.executable, "-m", "pipeline", *project.arguments("run", *args)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        if not before.exists() or os.readlink(before) == old:
            continue
        done = [one.name for one in summary.read(before).steps]
        if _next(done) == step:
            time.sleep(1)  # into the step
            process.send_signal(how)
            break
    out, err = process.communicate(timeout=DEADLINE_S)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


ORDER = [
    "ExampleGen", "ImportSchemaGen", "Baseline", "StatisticsGen", "ExampleValidator", "DataGate",
    "Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher",
]  # fmt: skip


def _next(done: list[str]) -> str | None:
    return next((name for name in ORDER if name not in done), None)


@pytest.mark.parametrize("step", ["Transform", "Trainer"])
def test_resume_after_a_kill_recomputes_no_finished_step(fresh_project, step):
    project = fresh_project
    killed = end_during(project, step, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert project.latest().status == Status.RUNNING
    assert project.served() == []
    assert project.pipeline("resume") == 0
    finished = ORDER[: ORDER.index(step)]
    states = project.states()
    assert {states[name] for name in finished} == {State.CACHED}
    assert {states[name] for name in ORDER[ORDER.index(step) :]} == {State.RUN}
    assert project.latest().status == Status.PUSHED
    assert len(project.served()) == 1


@pytest.mark.parametrize(
    ("step", "how"), [("Trainer", signal.SIGINT), ("Evaluator", signal.SIGTERM)]
)
def test_a_signal_ends_a_run_cleanly(project, step, how):
    served = project.served()
    stopped = end_during(project, step, how, "--set", "train.seed=9")
    assert stopped.returncode == 130
    assert "python -m pipeline resume" in stopped.stdout
    assert "Traceback" not in stopped.stdout + stopped.stderr
    assert project.latest().status == Status.INTERRUPTED
    assert project.states()["Pusher"] == State.SKIPPED
    assert project.served() == served
    assert "Finished steps are kept" in project.report()
    assert project.pipeline("resume") == 0
    assert project.latest().config["train"]["seed"] == 9
    assert project.latest().status == Status.PUSHED


def test_a_signal_that_a_library_swallows_ends_the_run_before_the_next_step(project, monkeypatch):
    launch = local._launch

    def swallow(node, *args) -> None:
        launch(node, *args)
        if node.node_info.id == "ImportSchemaGen":
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(local, "_launch", swallow)
    assert project.pipeline("run") == 130
    states = [project.states()[name] for name in ORDER]
    assert states == [State.CACHED] * 2 + [State.SKIPPED] * (len(ORDER) - 2)


def test_nothing_to_resume_after_a_good_run(project, capsys):
    runs = list(project.outputs.runs.iterdir())
    assert project.pipeline("resume") == 0
    assert "nothing to resume" in capsys.readouterr().out
    assert list(project.outputs.runs.iterdir()) == runs


def test_a_second_run_at_once_is_refused(project, capfd):
    with project.outputs.lock():
        assert project.pipeline("run") == 2
    assert "in use by another run" in capfd.readouterr().err

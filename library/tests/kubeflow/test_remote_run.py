"""The live view: one line a step, patience with a silent backend, the outcome in words."""

from __future__ import annotations

import io

import pytest

from tfxkit.kubeflow import remote_run
from tfxkit.kubeflow.remote_run import NoAnswerError, Phase, RemoteStep, RunStatus
from tfxkit.runs.summary import State
from tfxkit.runs.terminal import StepDisplay

WAITING = RunStatus(Phase.RUNNING, (RemoteStep("A"), RemoteStep("B")))
RUNNING = RunStatus(Phase.RUNNING, (RemoteStep("A", running=True), RemoteStep("B", running=True)))
HALF = RunStatus(
    Phase.RUNNING, (RemoteStep("A", State.RUN, seconds=2), RemoteStep("B", running=True))
)
FAILED = RunStatus(
    Phase.FAILED,
    (
        RemoteStep("A", State.RUN, seconds=2),
        RemoteStep("B", State.FAILED, seconds=3, error="no space left", log="kubectl logs"),
    ),
    "The DAG failed",
)


class Run:
    """Says what it was given, one after another; an exception is raised."""

    id = "r-1"
    page = "http://kubeflow/r-1"

    def __init__(self, *answers: RunStatus | Exception) -> None:
        self.answers = list(answers)

    def status(self) -> RunStatus:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(remote_run, "POLL_S", 0.0)


def test_each_step_begins_and_ends_once(monkeypatch):
    calls = []
    monkeypatch.setattr(StepDisplay, "start", lambda _, name: calls.append(("start", name)))
    monkeypatch.setattr(StepDisplay, "end", lambda _, step: calls.append(("end", step.name)))
    run = Run(WAITING, RUNNING, RUNNING, HALF, HALF, FAILED)
    assert remote_run.watch(run, io.StringIO()) is FAILED
    assert calls == [("start", "A"), ("start", "B"), ("end", "A"), ("end", "B")]


def test_the_picture_has_all_steps_that_run(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    monkeypatch.setenv("TERM", "xterm")
    screen = io.StringIO()
    with StepDisplay(screen) as display:
        display.start("Transform")
        display.start("Tuner")
        display._live.refresh()
        frame = screen.getvalue()
    assert "Transform" in frame
    assert "Tuner" in frame
    assert "starting" not in frame.rpartition("Transform")[2]


def test_a_backend_may_be_silent_for_a_while():
    run = Run(RUNNING, NoAnswerError("away"), NoAnswerError("away"), FAILED)
    assert remote_run.watch(run, io.StringIO()) is FAILED


def test_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(remote_run, "WATCH_PATIENCE_S", -1.0)
    with pytest.raises(NoAnswerError, match="away"):
        remote_run.watch(Run(RUNNING, NoAnswerError("away")), io.StringIO())


def test_a_failure_is_told_with_step_reason_and_where_to_look():
    assert remote_run.outcome(Run(), FAILED).splitlines() == [
        "Failed: B",
        "  B: no space left",
        "  Its log: kubectl logs",
        "  The DAG failed",
        "Look at it: http://kubeflow/r-1",
    ]


def test_a_run_that_somebody_canceled_is_told_so():
    assert "Canceled" in remote_run.outcome(Run(), RunStatus(Phase.CANCELED, ()))

"""A run on a backend: its request, its creation, its status, and the live view of its steps."""

from __future__ import annotations

import dataclasses
import enum
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

from tfxkit.errors import UsageError
from tfxkit.kubeflow.schedule import Schedule
from tfxkit.runs.interruption import ExplainedInterrupt
from tfxkit.runs.summary import State, Step
from tfxkit.runs.terminal import StepDisplay

LOOK_UP_PATIENCE_S = 30.0  # a busy backend finishes a request after the client has given up
LOOK_UP_PAUSE_S = 2.0
POLL_S = 5.0
# Covers a restart of the backend, or a laptop that was closed: the run goes on meanwhile.
WATCH_PATIENCE_S = 600.0

logger = logging.getLogger("tfxkit.kubeflow")

Created = TypeVar("Created")


class Phase(enum.StrEnum):
    """Phase of a run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclasses.dataclass(frozen=True)
class RemoteStep:
    """A step of a run.

    Attributes:
        name: Its id.
        state: Its final state; None while it waits or runs.
        running: True while it runs, or is about to.
        seconds: Its duration.
        error: Reason of its failure, as far as the backend reports one.
        log: Command that prints its log, if it failed.
    """

    name: str
    state: State | None = None
    running: bool = False
    seconds: float = 0.0
    error: str = ""
    log: str = ""


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """A run at one moment: phase, steps and, if it failed, the backend's reason."""

    phase: Phase
    steps: tuple[RemoteStep, ...]
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Request:
    """Request for a run or a schedule.

    Attributes:
        file: The package.
        pipeline: Its name.
        steps: The names of its steps.
        root: The package's folder of artifacts; None without one.
        arguments: Values in place of the package's defaults.
        name: Name of the run, or of the schedule.
        submission: A unique mark of lower-case letters and digits. The backend keeps it with the
            run, which can so be found if the answer is lost.
        experiment: The experiment of the run, in place of the configuration's.
        schedule: Times of a recurring start; None for one start, now.
    """

    file: Path
    pipeline: str
    steps: tuple[str, ...]
    root: str | None
    arguments: dict[str, Any]
    name: str
    submission: str
    experiment: str | None = None
    schedule: Schedule | None = None


class NoAnswerError(Exception):
    """The backend does not answer now, but may later."""


class LostAnswerError(Exception):
    """The request was sent, and may have been carried out."""


class RemoteRun(Protocol):
    """A run that was started."""

    id: str
    page: str
    """Its page for people: an address, or instructions to get there."""

    def status(self) -> RunStatus:
        """Requests the status from the backend.

        Raises:
            NoAnswerError: If the backend does not answer, which may pass.
            UsageError: If the backend refuses, which will not pass.
        """


@dataclasses.dataclass(frozen=True)
class RemoteSchedule:
    """A schedule that was created: its id, and its page for people."""

    id: str
    page: str


def create_once(
    send: Callable[[], Created], look_up: Callable[[], Created | None], advice: str
) -> Created:
    """Sends a request once; if the answer is lost, looks up the result.

    A backend may carry out a request whose answer never arrives: the connection breaks, a gateway
    gives up, a time limit passes. The same request once more would start a second run.

    Args:
        send: Sends the request; raises `LostAnswerError` for an unknown outcome.
        look_up: Finds the result by a mark in the request; None if there is none (yet).
        advice: Next steps for a person if the outcome remains unknown.

    Raises:
        UsageError: If the outcome remains unknown, or the backend refuses.
        ExplainedInterrupt: With the advice as its text.
    """
    try:
        try:
            return send()
        except LostAnswerError as error:
            logger.warning("%s", error)
            return _look_up_result(look_up, str(error), advice)
    except KeyboardInterrupt:
        raise ExplainedInterrupt(f"Interrupted while the request was under way. {advice}") from None


def watch(run: RemoteRun, stream: TextIO) -> RunStatus:
    """Follows a run to its end, and prints a line for each step.

    Args:
        run: The run.
        stream: Where to print; live on a terminal.

    Returns:
        The last status.

    Raises:
        NoAnswerError: If the backend has not answered for ten minutes.
        UsageError: If the backend refuses to answer.
    """
    begun: set[str] = set()
    ended: set[str] = set()
    with StepDisplay(stream) as display:
        while True:
            status = _patient_status(run)
            for step in status.steps:
                if step.state is not None and step.name not in ended:
                    ended.add(step.name)
                    display.end(Step(name=step.name, state=step.state, seconds=step.seconds))
                elif step.running and step.name not in begun:
                    begun.add(step.name)
                    display.start(step.name)
            if status.phase is not Phase.RUNNING:
                return status
            time.sleep(POLL_S)


def outcome(run: RemoteRun, status: RunStatus) -> str:
    """Message for people at the end of a run: its outcome, and the next place to look."""
    if status.phase is Phase.SUCCEEDED:
        return (
            "Succeeded. Whether the model was approved and pushed is in the outputs of Evaluator "
            f"and Pusher: {run.page}"
        )
    if status.phase is Phase.CANCELED:
        return f"Canceled: {run.page}"
    failed = [step for step in status.steps if step.state is State.FAILED]
    lines = [f"Failed: {', '.join(step.name for step in failed) or 'no step was reached'}"]
    for step in failed:
        lines += [f"  {step.name}: {step.error}"] if step.error else []
        lines += [f"  Its log: {step.log}"] if step.log else []
    lines += [f"  {status.error}"] if status.error else []
    return "\n".join([*lines, f"Look at it: {run.page}"])


def _look_up_result(look_up: Callable[[], Created | None], lost: str, advice: str) -> Created:
    last = time.monotonic() + LOOK_UP_PATIENCE_S
    while True:
        try:
            result = look_up()
        except NoAnswerError as error:
            logger.warning("%s", error)
            result = None
        except UsageError as error:
            raise UsageError(f"{lost}\n{error}\n{advice}") from None
        if result is not None:
            logger.warning("The request had been carried out all the same: %s", result)
            return result
        if time.monotonic() >= last:
            raise UsageError(f"{lost}\n{advice}")
        time.sleep(LOOK_UP_PAUSE_S)


def _patient_status(run: RemoteRun) -> RunStatus:
    last = time.monotonic() + WATCH_PATIENCE_S
    while True:
        try:
            return run.status()
        except NoAnswerError:
            if time.monotonic() > last:
                raise
            time.sleep(POLL_S)

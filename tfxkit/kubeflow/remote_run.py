"""A run on a backend, as `submit` and its live view see it."""

from __future__ import annotations

import dataclasses
import enum
from pathlib import Path
from typing import Any, Protocol

from tfxkit.kubeflow.schedule import Schedule
from tfxkit.runs.summary import State


class Phase(enum.StrEnum):
    """What becomes of a run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclasses.dataclass(frozen=True)
class RemoteStep:
    """A step of a run.

    Attributes:
        name: Its id.
        state: What became of it; None while it waits or runs.
        running: Whether it runs, or is about to.
        seconds: How long it took.
        error: Why it failed, as far as the backend says.
        log: How to read its log, if it failed.
    """

    name: str
    state: State | None = None
    running: bool = False
    seconds: float = 0.0
    error: str = ""
    log: str = ""


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """A run at one moment, with its steps and, if it failed, the backend's word on that."""

    phase: Phase
    steps: tuple[RemoteStep, ...]
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Request:
    """What is to be run.

    Attributes:
        file: The package.
        pipeline: Its name.
        steps: The names of its steps.
        root: Where artifacts go, if the package says so.
        arguments: Values in place of the package's defaults.
        name: What the run, or the schedule, is called.
        submission: Unique; the backend keeps it beside what is made, so that this can be found
            where the answer is lost. Lower-case letters and digits.
        experiment: What it is filed under, in place of what the configuration says.
        schedule: When it is to be started again and again; None for once, now.
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
    """The backend does not answer now; it may later."""


class RemoteRun(Protocol):
    """A run that was started."""

    id: str
    page: str
    """Where a person looks at it: an address, or what to do to get there."""

    def status(self) -> RunStatus:
        """Asks the backend.

        Raises:
            NoAnswerError: If it does not answer, which may pass.
            UsageError: If it answers that it will not tell, which will not pass.
        """


@dataclasses.dataclass(frozen=True)
class RemoteSchedule:
    """A schedule that was made: its id, and where a person looks at it."""

    id: str
    page: str

"""The live view of a run on a backend: asks every few seconds, draws a line a step."""

from __future__ import annotations

import time
from typing import TextIO

from tfxkit.kubeflow.remote_run import NoAnswerError, Phase, RemoteRun, RunStatus
from tfxkit.runs.summary import State, Step
from tfxkit.runs.terminal import StepDisplay

POLL_S = 5.0  # between two questions to the backend
# A backend that is restarted, or a laptop that was closed: not the end of the run.
PATIENCE_S = 600.0


def watch(run: RemoteRun, stream: TextIO) -> RunStatus:
    """Follows a run to its end.

    Args:
        run: What to follow.
        stream: Where to draw; live if that is a terminal.

    Returns:
        The last status.

    Raises:
        NoAnswerError: If the backend has not answered for ten minutes.
        UsageError: If it answers that it will not tell.
    """
    begun: set[str] = set()
    ended: set[str] = set()
    with StepDisplay(stream) as display:
        while True:
            status = _ask(run)
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


def told(run: RemoteRun, status: RunStatus) -> str:
    """How a run ended, and where to look next."""
    if status.phase is Phase.SUCCEEDED:
        return (
            "Succeeded. Whether the model was blessed and pushed is in the outputs of Evaluator "
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


def _ask(run: RemoteRun) -> RunStatus:
    last = time.monotonic() + PATIENCE_S
    while True:
        try:
            return run.status()
        except NoAnswerError:
            if time.monotonic() > last:
                raise
            time.sleep(POLL_S)

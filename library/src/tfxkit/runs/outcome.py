"""The words for how runs and steps ended: for terminal, tables and report alike."""

from __future__ import annotations

import dataclasses
from typing import Literal

from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import State, Status, Summary

KILLED = "killed"  # shown for a run whose summary says `running` although no process runs it
Tone = Literal["good", "bad", "plain"]
_UNCHANGED = "The served model stays the same."


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The words for how a run ended.

    Attributes:
        tone: For the colour, which is never the only sign.
        headline: The answer, in a few words.
        note: What follows from it, as a sentence; may be empty.
        label: The same in one or two words, for tables.
    """

    tone: Tone
    headline: str
    note: str
    label: str


@dataclasses.dataclass(frozen=True)
class StepWords:
    """The sign and the word for how a step ended."""

    mark: str
    word: str


OUTCOMES = {
    Status.PUSHED: Outcome("good", "Approved and pushed", "", "pushed"),
    Status.ALREADY_SERVED: Outcome(
        "good",
        "Already served",
        "This model is the one being served, so nothing was pushed.",
        "already served",
    ),
    Status.DONE: Outcome("plain", "Selected steps done", "", "steps done"),
    Status.NOT_BLESSED: Outcome("bad", "Not approved, not pushed", _UNCHANGED, "not approved"),
    Status.STOPPED: Outcome("bad", "Stopped because of the data", _UNCHANGED, "stopped"),
    Status.FAILED: Outcome("bad", "Failed", _UNCHANGED, "failed"),
    Status.INTERRUPTED: Outcome("plain", "Interrupted", "Finished steps are kept.", "interrupted"),
    Status.RUNNING: Outcome(
        "plain", "Not finished", "The run is still going on, or was killed.", "running"
    ),
}
STEPS = {
    State.RUN: StepWords("✓", "run"),
    State.CACHED: StepWords("=", "reused"),
    State.FAILED: StepWords("✗", "failed"),
    State.INTERRUPTED: StepWords("–", "interrupted"),
    State.SKIPPED: StepWords("·", "skipped"),
}


def outcome_of(summary: Summary) -> Outcome:
    """The words for how a run ended."""
    outcome = OUTCOMES[summary.status]
    if summary.pushed_path and summary.status in (Status.FAILED, Status.STOPPED):
        return dataclasses.replace(outcome, note="The model had been pushed before.")
    if summary.status == Status.DONE and not any(map(summary.arguments.get, ("from", "to"))):
        return dataclasses.replace(outcome, headline="All steps done")
    return outcome


def label_of(outputs: Outputs, summary: Summary) -> str:
    """The outcome of a run for a table; `killed` if its process is gone without one."""
    if summary.status == Status.RUNNING and not outputs.is_running():
        return KILLED
    return OUTCOMES[summary.status].label

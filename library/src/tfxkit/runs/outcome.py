"""Outcome of a run: the words for it, for terminal, tables and report alike, and its explanation.

`outcome_of` and `label_of` word a run's status. `explain` turns the exception that ended a run into
a status and a message for a person, without a traceback; `last_words` finds the reason for the end
of a run that was killed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tfxkit.errors import DataError, StorageError, chain, user_error
from tfxkit.evaluation import Leak
from tfxkit.runs.outputs import Outputs, shown
from tfxkit.runs.summary import State, Status, Summary
from tfxkit.tracebacks import located, raised

KILLED = "killed"  # label of a run whose summary has `running` although no process runs it
Tone = Literal["good", "bad", "plain"]
_UNCHANGED = "The served model stays the same."
# Messages of Python, C++ and SQLite; EFBIG and EDQUOT are the limits of a process and of a user.
_FULL = re.compile(
    r"No space left on device|database or disk is full|File too large|Disk quota exceeded"
)
_OUT_OF_MEMORY = re.compile(
    r"MemoryError|std::bad_alloc|OOM when allocating|Cannot allocate memory"
)
_LOCKED = re.compile(r"database is locked")
_NO_ENGINE = re.compile(r"StatusCode\.UNAVAILABLE")
# Options come behind the action of a subcommand that has several.
_COMMAND = re.compile(r"python -m pipeline (config (?:show|schema)|schema (?:diff|accept)|\w+)")
_MOST_CHARACTERS = 300  # of the first line of a message
_LOG_TAIL = 20_000  # bytes
_ADVICE = {
    _FULL: "The disk is full. Make room, then resume: {resume}",
    _OUT_OF_MEMORY: (
        "Memory ran out. Give the run more of it, or less to hold: fewer spans (data.spans), a "
        "smaller\nbatch (train.batch_size). Then resume: {resume}"
    ),
    _LOCKED: (
        "Another process holds metadata.sqlite. Close what has it open, then resume: {resume}"
    ),
    _NO_ENGINE: "The engine's job server is gone. Start it again, then resume: {resume}",
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The words for how a run ended.

    Attributes:
        tone: For the colour, which is never the only sign.
        headline: The outcome, in a few words.
        note: The consequence, as a sentence; may be empty.
        label: The headline in one or two words, for tables.
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
    if summary.leaks and summary.status in (Status.PUSHED, Status.ALREADY_SERVED):
        headline = f"{outcome.headline}, with {_leaks(summary.leaks)}"
        return dataclasses.replace(outcome, tone="plain", headline=headline)
    if summary.status == Status.DONE and not any(map(summary.arguments.get, ("from", "to"))):
        return dataclasses.replace(outcome, headline="All steps done")
    return outcome


def _leaks(leaks: Sequence[Leak]) -> str:
    """Columns that determine the label, and whether a person has accepted them."""
    if len(leaks) == 1:
        text = f"{leaks[0].column} alone determining {leaks[0].association:.1%} of the label"
    else:
        least = min(leak.association for leak in leaks)
        text = f"{len(leaks)} columns each determining {least:.1%} of the label or more"
    return f"{text}, as accepted" if all(leak.accepted for leak in leaks) else text


def label_of(outputs: Outputs, summary: Summary) -> str:
    """The outcome of a run for a table; `killed` if its process is gone without one."""
    if summary.status == Status.RUNNING and not outputs.is_running():
        return KILLED
    return OUTCOMES[summary.status].label


def explain(exception: Exception, outputs: Outputs, log: Path) -> tuple[Status, str]:
    """The status and the message for an exception of a step; TFX passes exceptions on as they are.

    Args:
        exception: The exception that ended the run.
        outputs: Of the pipeline.
        log: Of the run, with the traceback.
    """
    known = user_error(exception)
    # A full disk or too little memory can make a store fail, too.
    if known is not None and not isinstance(known, StorageError):
        status = Status.STOPPED if isinstance(known, DataError) else Status.FAILED
        return status, _with_options(str(known), outputs)
    summary = _first_line(raised(exception))
    for cause in chain(exception):
        if advice := _advice(f"{type(cause).__name__}: {cause}", outputs):
            return Status.FAILED, f"{advice}\n{summary}"
    if known is not None:
        return Status.FAILED, str(known)
    return Status.FAILED, f"{located(summary, exception)}\nFull log: {shown(log)}"


def last_words(log: Path, outputs: Outputs) -> str | None:
    """Advice about a run that was killed, if the end of its log gives the reason.

    C++ code that gets no memory ends the process by SIGABRT: no exception is raised, so only the
    log has the reason.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    return _advice(text, outputs)


def _with_options(message: str, outputs: Outputs) -> str:
    """Adds the options with which the run was started to the commands in a step's message."""
    return _COMMAND.sub(lambda match: outputs.command(*match[1].split()), message)


def _advice(text: str, outputs: Outputs) -> str | None:
    for pattern, advice in _ADVICE.items():
        if pattern.search(text):
            return advice.format(resume=outputs.command("resume"))
    return None


def _first_line(text: str) -> str:
    line = text.split("\n", maxsplit=1)[0]
    # SQLite's messages have the statement.
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]} …"

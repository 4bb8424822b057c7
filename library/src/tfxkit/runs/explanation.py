"""Explains the exception that ended a run: what a person needs, without a traceback."""

from __future__ import annotations

import re
from pathlib import Path

from tfxkit.errors import DataError, StorageError, chain, user_error
from tfxkit.runs.outputs import Outputs, shown
from tfxkit.runs.summary import Status
from tfxkit.tracebacks import located, raised

# Each as Python, C++ and SQLite say it; EFBIG and EDQUOT are the limits of a process and of a user.
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
_LONGEST = 300
_LAST_WORDS = 20_000  # bytes of a log
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


def explain(exception: Exception, outputs: Outputs, log: Path) -> tuple[Status, str]:
    """The status and the message for what a step raised; TFX passes exceptions on as they are.

    Args:
        exception: What was raised.
        outputs: Of the pipeline.
        log: Of the run, with the traceback.
    """
    known = user_error(exception)
    # A store can fail for want of the machine, too.
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

    C++ code that gets no memory ends the process by SIGABRT: nothing is raised, and the log is all.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LAST_WORDS))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    return _advice(text, outputs)


def _with_options(message: str, outputs: Outputs) -> str:
    """A step has no knowledge of the options with which the run was started."""
    return _COMMAND.sub(lambda found: outputs.command(*found[1].split()), message)


def _advice(text: str, outputs: Outputs) -> str | None:
    for pattern, advice in _ADVICE.items():
        if pattern.search(text):
            return advice.format(resume=outputs.command("resume"))
    return None


def _first_line(text: str) -> str:
    line = text.split("\n", maxsplit=1)[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"  # SQLite's have the statement

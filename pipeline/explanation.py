"""What a run says of the exception that ended it: all that a person needs, without a traceback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.summary import Status

# Each as Python, C++ and SQLite say it; EFBIG and EDQUOT are the limits of a process and of a user.
_FULL = re.compile(
    r"No space left on device|database or disk is full|File too large|Disk quota exceeded"
)
_OUT_OF_MEMORY = re.compile(
    r"MemoryError|std::bad_alloc|OOM when allocating|Cannot allocate memory"
)
_LOCKED = re.compile(r"database is locked")
_NO_ENGINE = re.compile(r"StatusCode\.UNAVAILABLE")
_LONGEST = 300
_LAST_WORDS = 20_000  # bytes of a log
_ADVICE = {
    _FULL: "The disk is full. Make room, and go on with: python -m pipeline resume",
    _OUT_OF_MEMORY: (
        "Memory ran out. Give the run more of it, or less to hold: fewer spans (data.spans), a "
        "smaller\nbatch (train.batch_size). Then: python -m pipeline resume"
    ),
    _LOCKED: (
        "Another process holds metadata.sqlite. Close what has it open, and go on with: "
        "python -m pipeline resume"
    ),
    _NO_ENGINE: (
        "The engine's job server is gone. Start it again, and go on with: python -m pipeline resume"
    ),
}


def explain(exception: Exception) -> tuple[Status, str]:
    """The status and the text for what a step raised; TFX passes exceptions on as they are."""
    from tfxkit.errors import DataError, user_error

    known = user_error(exception)
    if known is not None:
        return Status.STOPPED if isinstance(known, DataError) else Status.FAILED, str(known)
    told = f"{type(exception).__name__}: {_first_line(exception)}"
    for one in _chain(exception):
        said = f"{type(one).__name__}: {one}"
        for pattern, advice in _ADVICE.items():
            if pattern.search(said):
                return Status.FAILED, f"{advice}\n{told}"
    return Status.FAILED, f"{told}\nThe whole story: run.log"


def last_words(log: Path) -> str | None:
    """What to do about a run that was killed, if the end of its log tells why.

    C++ that gets no memory ends the process by SIGABRT: nothing is raised, and the log is all.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LAST_WORDS))
            said = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    return next((advice for pattern, advice in _ADVICE.items() if pattern.search(said)), None)


def _first_line(exception: BaseException) -> str:
    line = str(exception).strip().split("\n", maxsplit=1)[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"  # SQLite's have the statement


def _chain(exception: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = exception
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__

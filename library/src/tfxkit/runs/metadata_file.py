"""Check of the file of ML Metadata before a run: free, writable and undamaged."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path

from tfxkit.errors import UsageError

WAIT_S = 10.0  # for another process to let go; a backup takes that long, a forgotten shell longer
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def make_usable(file: Path) -> str | None:
    """Makes sure that a run can write to the file.

    A damaged file is set aside, never deleted: no served model depends on it, but it holds the
    lineage of the models. Without it each step runs anew.

    Args:
        file: The SQLite file; it need not exist.

    Returns:
        A sentence for the user if the file was damaged, else None.

    Raises:
        UsageError: If another process holds the file, or if it cannot be written.
    """
    if not file.exists():
        return None
    try:
        # SQLite would open a file that it cannot write for reading, without an error.
        file.open("r+b").close()
    except OSError as error:
        raise UsageError(f"Cannot write to {file}: {error.strerror}") from None
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=WAIT_S)) as database:
            # Rolls back what a killed run had begun, and takes the lock that a run needs.
            database.execute("BEGIN IMMEDIATE")
            [verdict] = database.execute("PRAGMA quick_check(1)").fetchone()
            database.rollback()
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_BUSY):
            raise UsageError(
                f"{file} is locked by another process, for {WAIT_S:g} s by now.\n"
                "Close the process that has it open (fuser names it), and run again."
            ) from None
        if not name.startswith(_DAMAGED):
            raise UsageError(f"{file} cannot be used: {error}") from None
        verdict = str(error)
    return None if verdict == "ok" else _set_aside(file, verdict)


def _set_aside(file: Path, verdict: str) -> str:
    aside = file.with_name(f"{file.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}")
    for suffix in ("", "-journal", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    return (
        f"{file.name} is damaged ({verdict.splitlines()[-1]}) and was set aside as {aside.name}. "
        "Each step runs anew; the served model stays the same."
    )

"""Sends what libraries print, from Python or C++, to a file, and leaves the terminal to us."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tfxkit.errors import UsageError

# Before TensorFlow is imported: it reads these once.
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "GRPC_VERBOSITY": "NONE",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # else results depend on the processor
}


@contextlib.contextmanager
def captured(log_file: Path) -> Iterator[TextIO]:
    """Appends standard output and error of this process and its children to a file.

    C++ libraries write to the file descriptors, so those are what is redirected.

    Args:
        log_file: The file; made if needed, with its folder.

    Yields:
        A stream that still reaches what was standard output.

    Raises:
        UsageError: If nothing can be written there.
    """
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log_file.touch()
    except OSError as error:
        raise UsageError(
            f"Cannot write {log_file}: {error.strerror}; the key outputs of the configuration says "
            "in which folder"
        ) from None
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # Beam makes an argument parser for each look at an option, thousands in a run, and argparse
    # asks the system for the width of the terminal for each argument, unless it is set.
    os.environ.setdefault("COLUMNS", str(shutil.get_terminal_size().columns))
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    terminal = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", buffering=1)
    with log_file.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    logging.getLogger().setLevel(logging.INFO)
    try:
        yield terminal
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # the disk of the log is full
                stream.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in kept:
            os.close(descriptor)
        terminal.close()


def log_traceback() -> None:
    """Writes the exception that is being handled into the log, unless its disk is full."""
    with contextlib.suppress(OSError), open(2, "w", encoding="utf-8", closefd=False) as log:
        traceback.print_exc(file=log)

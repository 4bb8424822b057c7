"""Log of a run: messages of libraries, from Python or C++, go to a file, not to the terminal."""

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

# Set before TensorFlow is imported, which reads them once.
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "GRPC_VERBOSITY": "NONE",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # else results depend on the processor
}


@contextlib.contextmanager
def captured(log_file: Path) -> Iterator[TextIO]:
    """Appends standard output and error of this process and its children to a file.

    C++ libraries write to the file descriptors, so those are redirected.

    Args:
        log_file: The file; created if needed, with its folder.

    Yields:
        A stream to the original standard output.

    Raises:
        UsageError: If the file cannot be written.
    """
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log_file.touch()
    except OSError as error:
        raise UsageError(
            f"Cannot write {log_file}: {error.strerror}; the key outputs of the configuration says "
            "in which folder"
        ) from None
    _set_quiet()
    # Beam creates an argument parser for each look at an option, thousands in a run, and argparse
    # gets the width of the terminal from the system for each argument, unless it is set.
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
    """Writes the exception that is being handled to the log, unless its disk is full."""
    with contextlib.suppress(OSError), open(2, "w", encoding="utf-8", closefd=False) as log:
        traceback.print_exc(file=log)


def import_tensorflow() -> None:
    """Imports TensorFlow, and lets it look for a GPU, without its messages about this machine.

    Its C++ writes some of them before it reads the log level (TensorFlow 2.21), and to the file
    descriptor, so that is what is redirected.
    """
    _set_quiet()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _set_quiet() -> None:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)

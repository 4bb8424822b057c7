"""Runs a program with a limit on its time and on its memory."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence

import psutil

POLL_S = 0.02


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        fault: The end of a sentence that begins with the program, or None if it ended well.
        peak_memory_mb: The most resident memory that was seen, in MiB.
    """

    fault: str | None
    peak_memory_mb: float


def run(
    arguments: Sequence[str], env: Mapping[str, str], timeout_s: float, memory_mb: float
) -> Ended:
    """Runs a program to its end, or stops it where it goes beyond a limit.

    Resident memory is what a container's limit counts. The kernel's own limits count something
    else: RLIMIT_AS the address space, of which TensorFlow maps three times what it uses (and
    hundreds of GiB with a GPU); RLIMIT_DATA leaves out the program itself.

    Args:
        arguments: The program and its arguments.
        env: Environment variables on top of this process's own.
        timeout_s: Wall-clock seconds.
        memory_mb: MiB of resident memory.

    Returns:
        How it ended.
    """
    deadline = time.monotonic() + timeout_s
    peak = 0.0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            arguments, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                peak = max(peak, _resident_mb(process.pid))
                if peak > memory_mb:
                    return Ended(f"needed more than {memory_mb:.0f} MB of memory", peak)
                if time.monotonic() > deadline:
                    return Ended(f"gave no answer in {timeout_s:.0f} s", peak)
                time.sleep(POLL_S)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        last_words = output.read().decode(errors="replace").strip().split("\n")[-1]
    return Ended(_fault_of(process.returncode, last_words), peak)


def _resident_mb(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / 2**20
    except psutil.Error:  # it ended meanwhile
        return 0.0


def _fault_of(code: int, last_words: str) -> str | None:
    if code == 0:
        return None
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"crashed the process that served it ({how}): {last_words}"

"""Runs a program with a limit on its time and on its memory."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence

import psutil

POLL_S = 0.02
CRASHES = (signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV)  # a process's own doing
OUT_OF_MEMORY = re.compile(r"bad_alloc|Cannot allocate memory|[Oo]ut of memory")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        fault: The end of a sentence that begins with the program, or None if it ended well.
        peak_memory_mb: The most resident memory that was seen, in MiB.
        is_accident: The machine is at fault, or may be: the same program may end well next time.
    """

    fault: str | None
    peak_memory_mb: float
    is_accident: bool = False


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
        How it ended. A program without an answer in time is an accident, since a busy machine makes
        any program slow; so is one that another process killed, as Linux does when memory runs out.
        Memory beyond the limit and a crash are the program's own.
    """
    deadline = time.monotonic() + timeout_s
    peak = 0.0
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                arguments, env={**os.environ, **env}, stdout=output, stderr=subprocess.STDOUT
            )
        except OSError as error:
            return Ended(f"could not be started: {error}", peak, is_accident=True)
        try:
            while process.poll() is None:
                peak = max(peak, _resident_mb(process.pid))
                if peak > memory_mb:
                    return Ended(f"needed more than {memory_mb:.0f} MB of memory", peak)
                if time.monotonic() > deadline:
                    return Ended(f"gave no answer in {timeout_s:.0f} s", peak, is_accident=True)
                time.sleep(POLL_S)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    return _ended(process.returncode, text, peak)


def _resident_mb(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / 2**20
    except psutil.Error:  # it ended meanwhile
        return 0.0


def _ended(code: int, output: str, peak: float) -> Ended:
    last_words = output.rsplit("\n", maxsplit=1)[-1]
    if code == 0:
        return Ended(None, peak)
    if code > 0:  # the program itself catches whatever the model raises
        return Ended(f"ended with exit code {code}: {last_words}", peak, is_accident=True)
    name = signal.Signals(-code).name
    if -code not in CRASHES:
        return Ended(f"was killed ({name})", peak, is_accident=True)
    if OUT_OF_MEMORY.search(output):
        return Ended(f"ran out of memory ({name}): {last_words}", peak, is_accident=True)
    return Ended(f"crashed the process that served it ({name}): {last_words}", peak)

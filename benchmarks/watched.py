"""Runs a command and watches what it takes."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

import psutil

_EVERY_S = 0.2
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Taken:
    """What a command took.

    Attributes:
        seconds: From its start to its end.
        cpu_seconds: Of all its processes; steadier than `seconds` on a machine that others use.
        peak_mib: The most memory that its processes held at one time (their resident sets added up,
            so what two of them share counts twice).
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float


def run(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Taken:
    """Runs it to its end.

    Args:
        command: Program and arguments.
        log: Where its output goes.
        environment: Variables besides those of this process.

    Raises:
        SystemExit: If it fails; with the end of its output.
    """
    begun = monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=Path(__file__).parents[1],
        )
        peak, ended = [0.0], threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        ended.set()
        watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.stderr.write(log.read_text(errors="replace")[-3000:])
        raise SystemExit(f"It ended with {process.returncode}: {' '.join(command)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Taken(round(monotonic() - begun, 2), round(cpu, 2), round(peak[0] / _MIB, 1))


def _watch(pid: int, peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(_EVERY_S):
        total = 0
        try:
            parent = psutil.Process(pid)
            for process in (parent, *parent.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
        except psutil.NoSuchProcess:
            return
        peak[0] = max(peak[0], total)

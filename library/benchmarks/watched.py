"""Runs a command and watches what it takes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, time

import psutil

_EVERY_S = 0.2
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Taken:
    """Time and memory of a command.

    Attributes:
        seconds: From its start to its end.
        cpu_seconds: Of the command and its children, not of what works beside it; steadier than
            `seconds` on a machine that others use.
        memory: The memory that its processes held (their resident sets added up, so what two of
            them share counts twice), in MiB, and when that was, in seconds since 1970.
    """

    seconds: float
    cpu_seconds: float
    memory: tuple[tuple[float, float], ...]

    def numbers(self) -> dict[str, float]:
        """Its seconds, and the most memory that it held, ready for JSON."""
        peak = max((mib for _, mib in self.memory), default=0.0)
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "peak_mib": peak}


def run(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    beside: Sequence[int] = (),
) -> Taken:
    """Runs it to its end.

    Args:
        command: Program and arguments.
        log: Where its output goes.
        environment: Variables besides those of this process.
        beside: Ids of processes that work for it; their memory counts, and that of their children.

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
            cwd=Path(__file__).parents[2],
        )
        memory: list[tuple[float, float]] = []
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=([process.pid, *beside], memory, ended))
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        ended.set()
        watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.stderr.write(log.read_text(errors="replace")[-3000:])
        raise SystemExit(f"It ended with {process.returncode}: {' '.join(command)}")
    cpu = usage.ru_utime + usage.ru_stime
    return Taken(round(monotonic() - begun, 2), round(cpu, 2), tuple(memory))


def _watch(pids: Sequence[int], memory: list[tuple[float, float]], ended: threading.Event) -> None:
    while not ended.wait(_EVERY_S):
        memory.append((time(), round(sum(map(_with_children, pids)) / _MIB, 1)))


def _with_children(pid: int) -> int:
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total

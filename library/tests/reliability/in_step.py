"""Does something to a process in the midst of a step; as a program, to a run of its own.

    python -m tests.reliability.in_step STEP WHAT SUBCOMMAND [OPTION ...]

WHAT is the name of a signal, `half-pushed` (SIGKILL while the Pusher copies the model) or `memory`
(further allocations fail).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.project_with_runs import ORDER

INTO_S = 0.3  # long steps are hit while they work, short ones between their files and their record
NOTICED_S = 0.5  # until the main thread has noticed a signal that another one has sent
SPARE_BYTES = 32 << 20


@contextlib.contextmanager
def during(
    step: str, act: Callable[[], None], wait: Callable[[], None] | None = None
) -> Iterator[None]:
    """Calls a function when a step of a run in this process begins to work.

    Args:
        step: Its name.
        act: What is called.
        wait: What is called when the step has written its files.
    """
    from tfx.orchestration.portable.launcher import Launcher

    original = Launcher._run_executor

    def run(self: Any, execution_info: Any) -> Any:
        if self._pipeline_node.node_info.id != step:
            return original(self, execution_info)
        act()
        result = original(self, execution_info)
        if wait:
            wait()
        return result

    Launcher._run_executor = run
    try:
        yield
    finally:
        Launcher._run_executor = original


def signalled(step: str, number: signal.Signals) -> contextlib.AbstractContextManager[None]:
    """Sends this process a signal while a step works, or between its files and their record.

    TensorFlow may swallow the exception in the midst of a step, so the step goes on once the signal
    has come.
    """
    sent = threading.Event()

    def send() -> None:
        os.kill(os.getpid(), number)
        sent.set()

    def wait() -> None:
        sent.wait()
        time.sleep(NOTICED_S)

    timer = threading.Timer(INTO_S, send)
    timer.daemon = True
    return during(step, timer.start, wait)


def _kill_half_pushed() -> None:
    """Kills this process when the Pusher has copied some files, each of which it flushes."""
    flush, flushed = os.fsync, []

    def flush_some(descriptor: int) -> None:
        if len(flushed) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(descriptor)
        flushed.append(descriptor)

    os.fsync = flush_some


def _no_more_memory() -> None:
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + SPARE_BYTES, mapped + SPARE_BYTES))


def main(arguments: Sequence[str]) -> int:
    """Runs a subcommand with what is to happen in it."""
    from tfxkit import cli

    step, what, *subcommand = arguments

    assert step in ORDER, step
    if what == "half-pushed":
        trouble = during(step, _kill_half_pushed)
    elif what == "memory":
        trouble = during(step, _no_more_memory)
    else:
        trouble = signalled(step, signal.Signals[what])
    with trouble:
        return cli.main(subcommand)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

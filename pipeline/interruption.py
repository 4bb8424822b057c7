"""Ctrl-C and SIGTERM: one exception for both, and a memory of it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Interruption:
    """Remembers whether a signal has come.

    Beam and TensorFlow wrap what is raised inside their workers, so a run that was interrupted may
    end in any exception; this tells it from a failure.

    Attributes:
        happened: Whether a signal has come.
    """

    def __init__(self) -> None:
        """Starts without any."""
        self.happened = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Turns SIGINT and SIGTERM into KeyboardInterrupt while the context lasts."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._stop) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.happened = True
        raise KeyboardInterrupt

"""Ctrl-C and SIGTERM: one exception for both, remembered for the whole run."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, ClassVar

EXIT_CODE = 130
MESSAGE = "Interrupted."

UnraisableHook = Callable[[Any], Any]


class ExplainedInterrupt(KeyboardInterrupt):
    """An interruption with a message for the user."""


class Interruption:
    """Remembers whether a signal has come.

    Beam and TensorFlow wrap exceptions of their workers, and modules that were half imported when
    the signal came fail later. So a run that was interrupted may end in any exception; this
    distinguishes it from a failure. Watches may be nested: all of them remember the signal.

    Attributes:
        happened: True after a signal.
    """

    _watching: ClassVar[list[Interruption]] = []  # from the outermost to the innermost

    def __init__(self) -> None:
        """Starts without a signal."""
        self.happened = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Turns SIGINT and SIGTERM into KeyboardInterrupt while the context lasts.

        An exception that follows a signal becomes KeyboardInterrupt, too. In threads other than the
        main one, which get no signals, nothing changes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # A library may have swallowed the exception of an earlier signal.
        self.happened = any(watch.happened for watch in self._watching)
        signals = (signal.SIGINT, signal.SIGTERM)
        self._watching.append(self)
        before = {number: signal.signal(number, self._stop) for number in signals}
        hook, sys.unraisablehook = sys.unraisablehook, _without_interruptions(sys.unraisablehook)
        try:
            yield
        except Exception:
            if self.happened:
                raise KeyboardInterrupt from None
            raise
        finally:
            sys.unraisablehook = hook
            for number, handler in before.items():
                signal.signal(number, handler)
            self._watching.remove(self)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        for watch in self._watching:
            watch.happened = True
        raise KeyboardInterrupt


def _without_interruptions(hook: UnraisableHook) -> UnraisableHook:
    """A hook for exceptions that nothing can catch, such as in a destructor."""

    def report(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            hook(unraisable)

    return report

"""Requests that create something: sent once, and looked up where the answer is lost.

A backend may carry out a request whose answer never arrives: the connection breaks, a gateway gives
up, a time limit passes. The same request once more would start a second run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from tfxkit.errors import UsageError
from tfxkit.kubeflow.remote_run import NoAnswerError
from tfxkit.runs.interruption import ExplainedInterrupt

PATIENCE_S = 30.0  # a busy backend finishes a request after the client has given up
PAUSE_S = 2.0  # between two look-ups

logger = logging.getLogger("tfxkit.kubeflow")

Created = TypeVar("Created")


class LostAnswerError(Exception):
    """The request was sent, and may have been carried out."""


def create(
    send: Callable[[], Created], look_up: Callable[[], Created | None], advice: str
) -> Created:
    """Sends a request once; if the answer is lost, finds what the request created.

    Args:
        send: Sends the request; raises `LostAnswerError` where the outcome is unknown.
        look_up: Finds the creation by a mark that the request carried; None if there is none (yet).
        advice: What a person does where the outcome remains unknown.

    Raises:
        UsageError: If the outcome remains unknown, or the backend refuses.
        ExplainedInterrupt: With the advice as its text.
    """
    try:
        try:
            return send()
        except LostAnswerError as error:
            logger.warning("%s", error)
            return _find(look_up, str(error), advice)
    except KeyboardInterrupt:
        raise ExplainedInterrupt(f"Interrupted while the request was under way. {advice}") from None


def _find(look_up: Callable[[], Created | None], lost: str, advice: str) -> Created:
    last = time.monotonic() + PATIENCE_S
    while True:
        try:
            found = look_up()
        except NoAnswerError as error:
            logger.warning("%s", error)
            found = None
        except UsageError as error:
            raise UsageError(f"{lost}\n{error}\n{advice}") from None
        if found is not None:
            logger.warning("The request had been carried out all the same: %s", found)
            return found
        if time.monotonic() >= last:
            raise UsageError(f"{lost}\n{advice}")
        time.sleep(PAUSE_S)

"""Errors that a user can cause and correct: the message is all that a person needs to see.

Exception
├── DataError      the data is not fit to train on
├── MachineError   the machine was short of time or memory; the same step may pass when run again
├── ModelError     a model, or the code of its features, cannot be trained or pushed
├── UsageError     a request that cannot be met; exit code 2
└── OSError
    └── StorageError   storage cannot be reached, or refuses
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

__all__ = ["DataError", "MachineError", "ModelError", "StorageError", "UsageError"]


class DataError(Exception):
    """Data that is not fit to train on: names the column or file, the problem and the action."""


class MachineError(Exception):
    """An accident of the machine: no time, no memory, a killed process. No verdict on anything."""


class ModelError(Exception):
    """A model that cannot be trained or pushed for a reason to correct: NaN, a wrong feature."""


class UsageError(Exception):
    """A request that cannot be met; names the problem and the action. Exit code 2."""


class StorageError(OSError):
    """Storage that cannot be reached, or refuses: names the place and the reason."""


def documentation(page: str) -> str:
    """The command that prints a page of the library's documentation, for messages."""
    return f"`python -m pipeline docs {page}`"


UserError = DataError | MachineError | ModelError | StorageError
_KINDS: dict[str, type[UserError]] = {kind.__name__: kind for kind in get_args(UserError)}
# From a worker in another process Beam hands over the traceback as text, followed by its step.
_IN_TRACEBACK = re.compile(
    rf"{re.escape(DataError.__module__)}\.({'|'.join(_KINDS)}): "
    r"(.+?)(?= \[while running '|\n\n|\n\tat |\Z)",
    re.DOTALL,
)


def user_error(error: BaseException) -> UserError | None:
    """The error that a user can correct behind what was raised, if there is one.

    Beam wraps the exceptions of its workers.
    """
    for link in chain(error):
        if isinstance(link, UserError):
            return link
        if reasons := _IN_TRACEBACK.findall(str(link)):
            kind, message = reasons[-1]
            return _KINDS[kind](message)
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, the one that it came from, the one that this came from, and so on."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__

"""Errors that a user can cause and correct: the message is all that a person needs to see.

Exception
├── DataError      the data is not fit to train on
├── ModelError     a model cannot be trained or pushed
├── UsageError     a request that cannot be met; exit code 2
└── OSError
    └── StorageError   storage cannot be reached, or refuses
"""

from __future__ import annotations

import re


class DataError(Exception):
    """Data that is not fit to train on: names the column or file, the problem and the action."""


class ModelError(Exception):
    """A model that cannot be trained or pushed for a reason to correct: NaN, a full disk."""


class UsageError(Exception):
    """A request that cannot be met; names the problem and the action. Exit code 2."""


class StorageError(OSError):
    """Storage that cannot be reached, or refuses: names the place and the reason."""


_KINDS: dict[str, type[DataError | ModelError | StorageError]] = {
    kind.__name__: kind for kind in (DataError, ModelError, StorageError)
}
# From a worker in another process Beam hands over the traceback as text, followed by its step.
_IN_TRACEBACK = re.compile(
    rf"{re.escape(DataError.__module__)}\.({'|'.join(_KINDS)}): "
    r"(.+?)(?= \[while running '|\n\n|\n\tat |\Z)",
    re.DOTALL,
)


def user_error(error: BaseException) -> DataError | ModelError | StorageError | None:
    """The error that a user can correct behind what was raised, if there is one.

    Beam wraps the exceptions of its workers.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DataError | ModelError | StorageError):
            return seen
        if found := _IN_TRACEBACK.findall(str(seen)):
            kind, message = found[-1]
            return _KINDS[kind](message)
        seen = seen.__cause__ or seen.__context__
    return None

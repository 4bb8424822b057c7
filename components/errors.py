"""Stops that a user can cause and mend: the message is all that a person needs to see."""

from __future__ import annotations

import re


class DataError(Exception):
    """The data is not fit to train on: says which column or file, what is wrong, what to do."""


class ModelError(Exception):
    """A model cannot be trained or pushed, for a reason that a user can mend: NaN, a full disk."""


class StorageError(OSError):
    """Where data or models are kept cannot be reached, or refuses: says what and why."""


_KINDS: dict[str, type[DataError | ModelError | StorageError]] = {
    kind.__name__: kind for kind in (DataError, ModelError, StorageError)
}
# Of a worker in another process Beam has the traceback only, as text; its step stands behind it.
_TOLD = re.compile(
    r"components\.errors\.(DataError|ModelError|StorageError): "
    r"(.+?)(?= \[while running '|\n\n|\n\tat |\Z)",
    re.DOTALL,
)


def user_error(error: BaseException) -> DataError | ModelError | StorageError | None:
    """The error that a user can mend behind what was raised, if there is one.

    Beam wraps what its workers raise.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DataError | ModelError | StorageError):
            return seen
        if told := _TOLD.findall(str(seen)):
            kind, message = told[-1]
            return _KINDS[kind](message)
        seen = seen.__cause__ or seen.__context__
    return None

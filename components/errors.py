"""Stops that a user can cause and mend: the message is all that a person needs to see."""

from __future__ import annotations


class DataError(Exception):
    """The data is not fit to train on: says which column or file, what is wrong, what to do."""


class ModelError(Exception):
    """A model cannot be trained or pushed, for a reason that a user can mend: NaN, a full disk."""


class StorageError(OSError):
    """Where data or models are kept cannot be reached, or refuses: says what and why."""


def user_error(error: BaseException) -> DataError | ModelError | StorageError | None:
    """The error that a user can mend behind what was raised, if there is one.

    Beam wraps what its workers raise.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DataError | ModelError | StorageError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None

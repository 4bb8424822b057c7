"""Stops that a user can cause and mend: the message is all that a person needs to see."""

from __future__ import annotations


class DataError(Exception):
    """The data is not fit to train on: says which column or file, what is wrong, what to do."""


class ModelError(Exception):
    """A model cannot be trained or pushed, for a reason that a user can mend: NaN, a full disk."""

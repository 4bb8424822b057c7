"""Stops that a user can cause and mend: the message is all that a person needs to see."""

from __future__ import annotations


class DataError(Exception):
    """The data is not fit to train on: says which column or file, what is wrong, what to do."""


class ModelError(Exception):
    """The training went wrong in a way that a user can mend, for example a loss that is NaN."""

"""Failure of a set-up: the message is all that the screen shows."""


class SetUpError(Exception):
    """The set-up cannot go on; the text says why and what to do."""

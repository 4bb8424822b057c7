"""Errors of usage: their text is all that a person needs, so they are shown without a traceback."""


class UsageError(Exception):
    """Something was asked for that cannot be; says what and what to do. Exit code 2."""

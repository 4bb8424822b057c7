"""What went wrong with a set-up, in words for the person who started it."""


class SetUpError(Exception):
    """The set-up cannot go on; the text says why and what to do."""

"""Setting up and examining the environment of the pipeline; needs the standard library only."""


class SetUpError(Exception):
    """The set-up cannot go on; the text has the reason and the remedy, and is all that is shown."""

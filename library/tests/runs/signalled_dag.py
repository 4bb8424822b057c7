"""A DAG that gets a signal while it is imported."""

import os
import signal

from tests.runs import failing_steps

number, _, then = os.environ["SIGNALLED_DAG"].partition(" ")


class Swallower:
    def __del__(self):
        os.kill(os.getpid(), signal.Signals[number])


if then == "swallowed":
    Swallower()
elif then == "raised":
    os.kill(os.getpid(), signal.Signals[number])
else:
    try:
        os.kill(os.getpid(), signal.Signals[number])
    except KeyboardInterrupt:
        raise KeyError("tfx.components")  # noqa: B904 (as a half-imported package does)


def create_components(config, places):
    return failing_steps.create_components(config, places)

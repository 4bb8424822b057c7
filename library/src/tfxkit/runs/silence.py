"""Imports TensorFlow without what it tells about this machine."""

from __future__ import annotations

import os

from tfxkit.runs.run_log import QUIET


def import_tensorflow() -> None:
    """Imports it, and lets it look for a GPU, with nowhere for its messages to go.

    Its C++ writes some of them before it reads how much it should say (TensorFlow 2.21), and to the
    file descriptor, so that is what is redirected.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

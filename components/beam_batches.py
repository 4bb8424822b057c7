"""How many rows Beam hands to a step at once."""

from __future__ import annotations

from absl import flags


def by_size() -> None:
    """Batches of thousands of rows, by their size in bytes, for all of TFX's readers.

    Else Beam tries sizes out by the clock, from 1 to 1,000 (tfx_bsl 1.21, coders/batch_util.py).
    """
    from tfx_bsl.coders import batch_util  # noqa: F401 (defines the flag)

    flags.FLAGS.set_default("tfxio_use_byte_size_batching", True)

"""Early stopping by a share of the loss, so that it means the same in any unit of the label."""

from __future__ import annotations

import math

import keras

_GAIN = 0.001  # less takes long and brings nothing
_TINY = 1e-30  # a loss of 0 has no logarithm


class RelativeEarlyStopping(keras.callbacks.EarlyStopping):
    """Stops when `val_loss` has not fallen by a thousandth for some epochs.

    The model has the weights of the last epoch in which it did.
    """

    def __init__(self, patience: int) -> None:
        """Creates the callback.

        Args:
            patience: In epochs.
        """
        super().__init__(
            "val_loss", mode="min", min_delta=_GAIN, patience=patience, restore_best_weights=True
        )

    def get_monitor_value(self, logs: dict[str, float]) -> float:
        """The logarithm of the loss: a share of the loss is a difference of it."""
        return math.log(max(logs[self.monitor], _TINY))

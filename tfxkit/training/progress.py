"""One log record for each epoch, for whoever shows how a training goes."""

from __future__ import annotations

import logging
import math

import keras

from tfxkit.errors import ModelError


class Progress(keras.callbacks.Callback):
    """Logs each epoch, and ends a training that has gone astray."""

    def __init__(self, logger: logging.Logger, epochs: int) -> None:
        """Creates the callback.

        Args:
            logger: Gets a record with the attributes `epoch` (1 for the first), `epochs` and
                `metrics` (name to value).
            epochs: How many there are at most.
        """
        super().__init__()
        self._logger = logger
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the metrics of an epoch.

        Raises:
            ModelError: If one of them is not a number.
        """
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        text = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self._logger.info(
            "Epoch %d of at most %d: %s",
            epoch + 1,
            self._epochs,
            text,
            extra={"epoch": epoch + 1, "epochs": self._epochs, "metrics": metrics},
        )
        if not all(math.isfinite(value) for value in metrics.values()):
            raise ModelError(
                f"The training went astray in epoch {epoch + 1} ({text}); no model was exported. "
                "Lower train.learning_rate, or look for extreme values in the data."
            )

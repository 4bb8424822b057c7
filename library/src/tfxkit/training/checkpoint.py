"""Early stopping, and its state outside of the process, so that a killed training goes on.

Keras' BackupAndRestore keeps weights and optimizer only: EarlyStopping beside it would have
forgotten the best epoch, and a kill while it writes can leave a torn file.
"""

from __future__ import annotations

import io
import json
import logging
import math
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tfxkit.storage.filesystems import fileio

logger = logging.getLogger(__name__)

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


class Checkpoint(RelativeEarlyStopping):
    """Early stopping that goes on where a killed training stopped.

    Call `restore` before `fit`.

    Attributes:
        history: The losses of all epochs, those of earlier attempts too.
        directory: Where the state is kept until the end of the training.
        finished: Whether an earlier attempt trained to its end and was killed only then.
    """

    def __init__(self, directory: str, patience: int) -> None:
        """Creates the callback.

        Args:
            directory: Where the state is kept until the end of the training. It must be the same
                for each attempt at one training, and another beside it for each other training;
                the folder around it is for nothing else.
            patience: In epochs.
        """
        super().__init__(patience)
        self.finished = False
        self.history: dict[str, list[float]] = {}
        self.directory = directory
        self._state: dict[str, Any] | None = None

    def restore(self, model: keras.Model) -> int:
        """Sets a compiled model to where an earlier attempt was killed.

        Returns:
            The number of epochs that are done: the `initial_epoch` of `fit`.
        """
        path = self._path()
        if not fileio.exists(path):
            return 0
        try:
            with fileio.open(path, "rb") as file:
                arrays = dict(np.load(io.BytesIO(file.read())))
            self._state = json.loads(arrays["state"].tobytes())
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            # What a power cut leaves: the name is there, the content is not.
            logger.warning("%s is damaged (%s): the training begins anew", path, error)
            return 0
        variables = _variables(model)
        if not _fit(arrays, variables):
            logger.warning("%s is of another network: the training begins anew", path)
            self._state = None
            return 0
        self.finished = self._state["finished"]
        self.history = self._state["history"]
        for i, variable in enumerate(variables):
            variable.assign(arrays[f"variable-{i}"])
        self._state["best_weights"] = [
            arrays[f"best-{i}"] for i in range(self._state["best_weights"])
        ]
        return self._state["epoch"]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: D102
        super().on_train_begin(logs)
        if self._state is not None:
            for name in ("best", "best_epoch", "wait", "best_weights"):
                setattr(self, name, self._state[name])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: D102
        super().on_epoch_end(epoch, logs)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self._save(epoch + 1)

    def clear(self) -> None:
        """Forgets the state, for the training's result is safe elsewhere, and all states beside it.

        They are of trainings that were killed and not resumed before this one began. At most one
        training uses that folder at a time, and only the last one killed is worth resuming.
        """
        folder = os.path.dirname(self.directory)
        if fileio.exists(folder):
            fileio.rmtree(folder)

    def _path(self) -> str:
        return os.path.join(self.directory, "state.npz")

    def _save(self, epochs_done: int) -> None:
        state = {
            "epoch": epochs_done,
            "finished": self.model.stop_training,
            "best": float(self.best),
            "best_epoch": int(self.best_epoch),
            "wait": self.wait,
            "best_weights": len(self.best_weights),
            "history": self.history,
        }
        arrays = {f"variable-{i}": v.numpy() for i, v in enumerate(_variables(self.model))}
        arrays |= {f"best-{i}": weight for i, weight in enumerate(self.best_weights)}
        buffer = io.BytesIO()
        np.savez(buffer, state=np.frombuffer(json.dumps(state).encode(), np.uint8), **arrays)
        fileio.makedirs(self.directory)
        with fileio.open(self._path() + ".new", "wb") as file:
            file.write(buffer.getvalue())
        fileio.rename(self._path() + ".new", self._path(), overwrite=True)


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Weights, states of random generators, and the optimizer's moments."""
    return [*model.variables, *model.optimizer.variables]


def _fit(arrays: Mapping[str, np.ndarray], variables: Sequence[keras.Variable]) -> bool:
    """True if saved arrays match the variables in number and shape."""
    saved = {name: array.shape for name, array in arrays.items() if name.startswith("variable-")}
    return saved == {f"variable-{i}": tuple(v.shape) for i, v in enumerate(variables)}

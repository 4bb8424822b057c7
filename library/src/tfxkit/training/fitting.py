"""Compiling and fitting a network of any kind, reproducible to the last bit."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfxkit.config.dataset import Task
from tfxkit.errors import ModelError
from tfxkit.training.building import check_predictions, input_names
from tfxkit.training.input_pipeline import LabelScale, TrainingData, TrainingRows, epochs, in_order
from tfxkit.training.job import TrainingJob

__all__ = ["Fitted", "compile_model", "fit"]

logger = logging.getLogger(__name__)

LOSS = {
    Task.BINARY: "binary_crossentropy",
    Task.MULTICLASS: "sparse_categorical_crossentropy",
    Task.REGRESSION: "mean_squared_error",
}


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Course of a training.

    Attributes:
        history: Losses of each epoch, by name.
        best_epoch: Number of the epoch whose weights are kept, from 1.
        seconds: Duration, without earlier attempts that were killed.
    """

    history: Mapping[str, list[float]]
    best_epoch: int
    seconds: float


def compile_model(
    model: keras.Model,
    job: TrainingJob,
    *,
    loss: Any = None,
    optimizer: keras.optimizers.Optimizer | None = None,
) -> None:
    """Compiles the network, unless `build_model` has compiled it with its own loss and optimizer.

    Args:
        model: The network.
        job: Its `train` settings have the learning rate and weight decay of the default optimizer.
        loss: As Keras' `compile` takes it, of labels and predictions of shape [batch, 1]
            (multiclass: [batch, classes] for predictions); by default the usual one for the task.
        optimizer: AdamW by default.
    """
    train = job.config.train
    if model.compiled and loss is None and optimizer is None:
        logger.info(
            "The network was compiled by build_model: its loss and optimizer stay, and "
            "train.learning_rate and train.weight_decay have no effect"
        )
    else:
        if optimizer is None:
            optimizer = keras.optimizers.AdamW(train.learning_rate, weight_decay=train.weight_decay)
        model.compile(
            optimizer,
            LOSS[job.config.dataset.task] if loss is None else loss,
            jit_compile=False,  # takes longer to compile than it saves on a CPU
        )


def fit(
    model: keras.Model,
    job: TrainingJob,
    data: TrainingData,
    *,
    class_weight: Mapping[int, float] | None = None,
) -> Fitted:
    """Trains until the held-out loss falls no longer, and keeps the weights of its last fall.

    Args:
        model: The network, compiled.
        job: Settings, and the checkpoint that a killed training goes on from.
        data: The rows.
        class_weight: As Keras' `fit` takes it: class to weight of its rows in the loss. The
            held-out loss, which early stopping compares, is without it.

    Raises:
        ModelError: If the network does not predict what the task needs, or if the loss is no
            longer a number.
    """
    rows, _ = next(iter(in_order(data.held_out)))
    check_predictions(model, job.features, rows, job.config.dataset)
    start = time.monotonic()
    checkpoint, most = job.checkpoint, job.config.train.epochs
    model.optimizer.build(model.trainable_variables)
    speed_up(model, job, data)
    done = checkpoint.restore(model)
    if done:
        logger.info("Going on after epoch %d, where an earlier attempt was killed", done)
    model.fit(
        **fit_arguments(model, job, data, first_epoch=done, class_weight=class_weight),
        initial_epoch=done,
        epochs=done if checkpoint.finished else most,
        callbacks=[
            EpochProgress(most),
            keras.callbacks.TensorBoard(job.log_dir, write_graph=False),
            checkpoint,
        ],
    )
    return Fitted(
        history=checkpoint.history,
        best_epoch=int(checkpoint.best_epoch) + 1,
        seconds=round(time.monotonic() - start, 3),
    )


def fit_arguments(
    model: keras.Model,
    job: TrainingJob,
    data: TrainingData,
    *,
    first_epoch: int = 0,
    class_weight: Mapping[int, float] | None = None,
) -> dict[str, Any]:
    """Arguments of Keras' `fit` for the rows and the `train` settings; see `speed_up`."""
    train = job.config.train
    names = input_names(model, job.features)
    learned, held_out = (
        _for_network(rows, names, data.label_scale) for rows in (data.fit, data.held_out)
    )
    return {
        "x": epochs(learned, train.batch_size, train.seed, first=first_epoch),
        "steps_per_epoch": data.fit.steps(train.batch_size),
        "validation_data": in_order(held_out),
        "class_weight": class_weight,
        "shuffle": False,  # the dataset does
        "verbose": 0,
    }


def speed_up(model: keras.Model, job: TrainingJob, data: TrainingData) -> None:
    """Runs many steps in one call of compiled code; results stay the same to the last bit."""
    model.steps_per_execution = data.fit.steps_per_call(job.config.train.batch_size)


class EpochProgress(keras.callbacks.Callback):
    """Logs each epoch, and stops a training that diverges."""

    def __init__(self, epochs: int) -> None:
        """Creates the callback.

        Args:
            epochs: Maximum number.
        """
        super().__init__()
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the metrics of an epoch.

        The log record has the attributes `epoch` (1 for the first), `epochs` and `metrics` (name
        to value), for a display of the progress.

        Raises:
            ModelError: If one of the metrics is not a number.
        """
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        text = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        logger.info(
            "Epoch %d of at most %d: %s",
            epoch + 1,
            self._epochs,
            text,
            extra={"epoch": epoch + 1, "epochs": self._epochs, "metrics": metrics},
        )
        if not all(math.isfinite(value) for value in metrics.values()):
            raise ModelError(
                f"Training diverged in epoch {epoch + 1} ({text}); no model was exported. "
                "Lower train.learning_rate, or look for extreme values in the data."
            )


def _for_network(rows: TrainingRows, names: Sequence[str], scale: LabelScale) -> TrainingRows:
    """Keeps the features that are inputs of the network, and shapes labels to [batch, 1]."""

    @tf.autograph.experimental.do_not_convert
    def decode(elements: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        features, labels = rows.decode(elements)
        # A custom loss that subtracts [batch] from [batch, 1] would get [batch, batch].
        labels = tf.expand_dims(scale.to_network(labels), axis=1)
        return {name: features[name] for name in names}, labels

    return dataclasses.replace(rows, decode=decode)

"""The training: the `run_fn` of Trainer."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from models.network import UNITS, Ensemble, build_model
from tfxkit.config.dataset import Task
from tfxkit.config.settings import TrainerConfig, TrainSettings
from tfxkit.features.model_inputs import model_features
from tfxkit.storage.filesystems import fileio
from tfxkit.training import reuse, warm_start
from tfxkit.training.checkpoint import Checkpoint
from tfxkit.training.epochs import epochs, in_order
from tfxkit.training.export import export
from tfxkit.training.input_pipeline import TrainingData, read
from tfxkit.training.progress import Progress

logger = logging.getLogger(__name__)

_LOSS = {
    Task.BINARY: "binary_crossentropy",
    Task.MULTICLASS: "sparse_categorical_crossentropy",
    Task.REGRESSION: "mean_squared_error",
}


def run_fn(fn_args: FnArgs) -> None:
    """Trains and exports the model.

    Args:
        fn_args: As TFX's Trainer makes them. `custom_config` has the keys of `TrainerConfig`, and
            `checkpoint_dir` (where a killed training is found again), `code_hash` and, where runs
            of one pipeline may train at the same time, `checkpoint_run` (what tells them apart).
            `base_model`, if given, is the model being served: see `tfxkit.training.warm_start`.

    Raises:
        DataError: If the rows are not fit to train on.
        ModelError: If the loss is no longer a number.
    """
    custom = fn_args.custom_config
    config = TrainerConfig.from_custom_config(custom, fn_args.hyperparameters)
    make_deterministic(config.train.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    data = read(fn_args.train_files, transform_output, config.dataset, config.train)
    with fileio.open(fn_args.schema_path, "r") as file:
        schema = file.read()
    base_model = fn_args.base_model if config.train.warm_start else None
    origin = {
        "code_hash": custom.get("code_hash", ""),
        "data": data.digest,
        "transform": reuse.transform_digest(transform_output),
    }
    if base_model and reuse.is_same_training(base_model, config, schema, origin):
        logger.info("Data, config and code are those of the model being served: it is kept")
        reuse.copy_model(base_model, fn_args.serving_model_dir)
        return

    model = create_model(config, transform_output, data)
    if base_model:
        warm_start.load(model, base_model, config, transform_output)
    checkpoint = Checkpoint(_checkpoint_dir(fn_args, config), config.train.patience)
    seconds = fit(model, config.train, data, checkpoint, fn_args.model_run_dir)
    training = {
        "epochs": len(checkpoint.history["loss"]),
        "best_epoch": int(checkpoint.best_epoch) + 1,
        "seconds": round(seconds, 3),
        "parameters": model.count_params(),
        "history": checkpoint.history,
        **origin,
    }
    export(
        model,
        transform_output,
        config,
        schema=schema,
        training=training,
        directory=fn_args.serving_model_dir,
    )
    checkpoint.clear()


def make_deterministic(seed: int) -> None:
    """Makes weights, dropout, order of rows and arithmetic the same each time."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def create_model(
    config: TrainerConfig, transform_output: tft.TFTransformOutput, data: TrainingData
) -> Ensemble:
    """Builds and compiles the model."""
    dataset, train = config.dataset, config.train
    model = build_model(dataset, model_features(transform_output), config.model)
    if dataset.task is Task.REGRESSION:
        model.get_layer(UNITS).adapt(data.fit.labels.reshape(-1, 1, 1))
    optimizer = keras.optimizers.AdamW(train.learning_rate, weight_decay=train.weight_decay)
    model.compile(
        optimizer,
        _LOSS[dataset.task],
        steps_per_execution=data.fit.steps_per_call(train.batch_size),
        jit_compile=False,  # takes longer to compile than it saves on a CPU
    )
    optimizer.build(model.trainable_variables)
    return model


def fit(
    model: Ensemble,
    train: TrainSettings,
    data: TrainingData,
    checkpoint: Checkpoint,
    log_dir: str,
) -> float:
    """Trains until the held-out loss falls no longer, and keeps the weights of when it last did.

    Returns:
        The seconds that it took, without those of an earlier attempt that was killed.
    """
    start = time.monotonic()
    done = checkpoint.restore(model)
    if done:
        logger.info("Going on after epoch %d, where an earlier attempt was killed", done)
    model.fit(
        epochs(data.fit, train.batch_size, train.seed, first=done),
        steps_per_epoch=data.fit.steps(train.batch_size),
        validation_data=in_order(data.held_out),
        initial_epoch=done,
        epochs=done if checkpoint.finished else train.epochs,
        callbacks=[
            Progress(logger, train.epochs),
            keras.callbacks.TensorBoard(log_dir, write_graph=False),
            checkpoint,
        ],
        shuffle=False,  # the dataset does
        verbose=0,
    )
    return time.monotonic() - start


def _checkpoint_dir(fn_args: FnArgs, config: TrainerConfig) -> str:
    """The same for each attempt at this training, and outside of what an attempt writes."""
    custom = fn_args.custom_config
    inputs: list[Any] = [config.to_json(), custom.get("code_hash", "")]
    run = custom.get("checkpoint_run", "")
    if not run:  # of which each would have data of its own
        inputs += [sorted(fn_args.train_files), fn_args.transform_graph_path, fn_args.base_model]
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    return os.path.join(custom["checkpoint_dir"], run, key)

"""The training: the `run_fn` of Trainer. This file is yours to change.

Loss and optimizer are arguments in `create_model`; class weights are an argument in `run_fn`.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from tfx.components.trainer.fn_args_utils import FnArgs
from tfxkit.training import export
from tfxkit.training.building import build
from tfxkit.training.fitting import compile_model, fit
from tfxkit.training.job import TrainingJob

from models.network import build_model


def run_fn(fn_args: FnArgs) -> None:
    """Reads the rows, trains the network and exports the model; this function is yours.

    Args:
        fn_args: Arguments of TFX's Trainer, for `TrainingJob`.

    Raises:
        DataError: If the rows are unfit for training.
        ModelError: If the network cannot be trained.
    """
    job = TrainingJob.begin(fn_args)
    model = create_model(job)
    data = job.read()
    if job.keeps_served_model(data):
        return
    job.warm_start(model)
    fitted = fit(model, job, data)  # class_weight={0: 1.0, 1: 5.0} weights class 1 five times
    export.export(model, job, data, fitted)
    job.checkpoint.clear()


def create_model(job: TrainingJob) -> keras.Model:
    """Builds and compiles the network for the training, and for each trial of the search.

    This function is yours: pass a `loss` or an `optimizer` to `compile_model`.
    """
    model = build(build_model, job.features, job.config)
    # loss="…" and optimizer=keras.optimizers.… replace the defaults of the task.
    compile_model(model, job)
    return model


def rebuild(model_dir: str, transform_graph_dir: str) -> Callable[[list[bytes]], np.ndarray]:
    """Rebuilds an exported model from code and weights; ServingCheck compares its predictions.

    Change this function only if the model is not a Keras network.

    Returns:
        A function from serialized raw tf.Examples to the predictions of `serving_default`.
    """
    return export.rebuild(build_model, model_dir, transform_graph_dir)

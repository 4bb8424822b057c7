"""The search for hyperparameters: the `tuner_fn` of Tuner. This file is yours to change.

The search runs if the configuration has `tuner: {enabled: true}`. To keep the best settings, copy
them from the report into `configs/base.yaml`.
"""

from __future__ import annotations

import keras_tuner
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult
from tfxkit.training.job import TrainingJob
from tfxkit.training.search import random_search

from models.training import create_model


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Sets up the search; this function is yours.

    Args:
        fn_args: Arguments of TFX's Tuner, for `TrainingJob`.
    """
    job = TrainingJob.begin(fn_args)
    return random_search(job, job.read(), create_model, search_space)


def search_space(choices: keras_tuner.HyperParameters) -> None:
    """Values to try for settings of the sections `model` and `train`; this function is yours."""
    choices.Int("width", 32, 256, step=32)
    choices.Int("depth", 1, 3)
    choices.Float("dropout", 0.0, 0.5, step=0.1)
    choices.Int("embedding", 4, 16, step=4)
    choices.Float("learning_rate", 3e-4, 1e-2, sampling="log")
    choices.Float("weight_decay", 1e-4, 1e-1, sampling="log")

"""The search for hyperparameters: the `tuner_fn` of Tuner.

Trials are compared on rows held out of the training split, so the eval split stays unseen. Trainer
replaces the settings of the same names by the best values.
"""

from __future__ import annotations

import keras
import keras_tuner
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from models.training import create_model, make_deterministic
from tfxkit.config.settings import TrainerConfig
from tfxkit.training.early_stopping import RelativeEarlyStopping
from tfxkit.training.epochs import epochs, in_order
from tfxkit.training.input_pipeline import read


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Sets up the search.

    Args:
        fn_args: As TFX's Tuner makes them. `custom_config` has the keys of `TrainerConfig`, and
            `tuner`: how many `trials`, and for how many `epochs` each.
    """
    config = TrainerConfig.from_custom_config(fn_args.custom_config)
    train, budget = config.train, fn_args.custom_config["tuner"]
    make_deterministic(train.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    data = read(fn_args.train_files, transform_output, config.dataset, train)

    def build(choices: keras_tuner.HyperParameters) -> keras.Model:
        _declare(choices)
        chosen = TrainerConfig.from_custom_config(fn_args.custom_config, choices.get_config())
        return create_model(chosen, transform_output, data)

    tuner = keras_tuner.RandomSearch(
        build,
        objective="val_loss",
        max_trials=budget["trials"],
        seed=train.seed,
        directory=fn_args.working_dir,
        project_name="tuner",
    )
    return TunerFnResult(
        tuner=tuner,
        fit_kwargs={
            "x": epochs(data.fit, train.batch_size, train.seed, first=0),
            "steps_per_epoch": data.fit.steps(train.batch_size),
            "validation_data": in_order(data.held_out),
            "epochs": budget["epochs"],
            "callbacks": [RelativeEarlyStopping(train.patience)],
            "shuffle": False,  # the dataset does
            "verbose": 0,
        },
    )


def _declare(choices: keras_tuner.HyperParameters) -> None:
    """The space: names of `ModelSettings` and `TrainSettings`, and the values to try."""
    choices.Int("width", 32, 256, step=32)
    choices.Int("depth", 1, 3)
    choices.Float("dropout", 0.0, 0.5, step=0.1)
    choices.Int("embedding", 4, 16, step=4)
    choices.Float("learning_rate", 3e-4, 1e-2, sampling="log")
    choices.Float("weight_decay", 1e-4, 1e-1, sampling="log")

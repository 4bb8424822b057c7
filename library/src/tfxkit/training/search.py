"""Random search for hyperparameters of any network; logs trials, winner and mistakes."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any

import keras
import keras_tuner
from tfx.components.tuner.component import TunerFnResult

from tfxkit.config.settings import ModelSettings, TrainSettings
from tfxkit.errors import ModelError
from tfxkit.training.fitting import fit_arguments, speed_up
from tfxkit.training.input_pipeline import TrainingData
from tfxkit.training.job import RelativeEarlyStopping, TrainingJob

__all__ = ["random_search"]

logger = logging.getLogger(__name__)

CreateModel = Callable[[TrainingJob], keras.Model]


def random_search(
    job: TrainingJob,
    data: TrainingData,
    create_model: CreateModel,
    search_space: Callable[[keras_tuner.HyperParameters], None],
    *,
    class_weight: Mapping[int, float] | None = None,
) -> TunerFnResult:
    """Sets up the search that Tuner runs.

    Trials are compared by the loss of rows held out of the training split, so the eval split stays
    unseen. Trainer replaces the settings of the same names by the best values.

    Args:
        job: Settings; `tuner` in its `custom_config` has the number of `trials` and of `epochs`.
        data: The rows.
        create_model: Builds and compiles the network; it gets the job with a trial's settings.
        search_space: Declares names of the sections `model` and `train`, and the values to try.
        class_weight: As in `tfxkit.training.fitting.fit`.

    Raises:
        ModelError: If the search space has a name that is no setting.
    """
    budget = job.fn_args.custom_config["tuner"]
    space = keras_tuner.HyperParameters()
    search_space(space)
    known = ModelSettings.model_fields | TrainSettings.model_fields
    if unknown := [name for name in space.values if name not in known]:
        raise ModelError(
            f"The search space has names that are no settings: {', '.join(unknown)}. It may have "
            f"those of the sections model and train: {', '.join(known)}"
        )

    def build(choices: keras_tuner.HyperParameters) -> keras.Model:
        search_space(choices)
        trial = job.with_hyperparameters(choices.get_config())
        watched, used = _watched(trial.config.model)
        config = trial.config.model_copy(update={"model": watched})
        model = create_model(dataclasses.replace(trial, config=config))
        speed_up(model, job, data)
        if ignored := (choices.values.keys() & ModelSettings.model_fields.keys()) - used:
            logger.warning(
                "The search varies settings that build_model does not read, so they change "
                "nothing: %s",
                ", ".join(sorted(ignored)),
            )
        return model

    tuner = _Search(
        build,
        objective="val_loss",
        max_trials=budget["trials"],
        seed=job.config.train.seed,
        directory=job.fn_args.working_dir,
        project_name="tuner",
    )
    model = create_model(
        job
    )  # for its inputs, the same in each trial; an invalid one is refused before the first
    return TunerFnResult(
        tuner=tuner,
        fit_kwargs={
            **fit_arguments(model, job, data, class_weight=class_weight),
            "epochs": budget["epochs"],
            "callbacks": [RelativeEarlyStopping(job.config.train.patience)],
        },
    )


class _Search(keras_tuner.RandomSearch):
    """Logs each trial and the winner."""

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        logger.info("Trial %s: held-out loss %.4g with %s", *_result(trial))

    def on_search_end(self) -> None:
        super().on_search_end()
        if best := self.oracle.get_best_trials(1):
            number, loss, chosen = _result(best[0])
            trials = len(self.oracle.trials)
            logger.info(
                "Best of %d trials: %s, held-out loss %.4g with %s", trials, number, loss, chosen
            )


def _result(trial: Any) -> tuple[str, float, str]:
    chosen = ", ".join(f"{n} {v:.3g}" for n, v in trial.hyperparameters.values.items())
    loss = float("nan") if trial.score is None else trial.score
    return trial.trial_id, loss, chosen


def _watched(settings: ModelSettings) -> tuple[ModelSettings, set[str]]:
    """Copies settings, and records the names of those that are read from the copy."""
    used: set[str] = set()

    class Watched(ModelSettings):
        def __getattribute__(self, name: str) -> Any:
            # A dict of all settings reads each of them.
            used.update(ModelSettings.model_fields if name == "model_dump" else [name])
            return super().__getattribute__(name)

    watched = Watched.model_construct(**settings.model_dump())
    used.clear()
    return watched, used

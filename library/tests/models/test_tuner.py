import json
import logging

import keras_tuner
import pytest

from tests.models.conftest import fn_args
from tests.sample.models.training import create_model, run_fn
from tests.sample.models.tuning import tuner_fn
from tfxkit.errors import ModelError
from tfxkit.storage import served_model
from tfxkit.training.job import TrainingJob
from tfxkit.training.search import random_search

pytestmark = pytest.mark.slow


def searched(hard, folder):
    args = fn_args(hard, folder)
    args.custom_config["tuner"] = {"trials": 2, "epochs": 1}
    return args


def test_trainer_takes_over_what_the_search_found(hard, tmp_path, caplog):
    args = searched(hard, tmp_path)
    with caplog.at_level(logging.INFO, "tfxkit.training"):
        tuner, fit_kwargs = tuner_fn(args)
        tuner.search(**fit_kwargs)
    assert len(tuner.oracle.trials) == 2
    assert "Trial 1: held-out loss" in caplog.text
    assert "Best of 2 trials: " in caplog.text
    assert "do not read" not in caplog.text
    best = tuner.get_best_hyperparameters()[0].get_config()

    args.hyperparameters = json.loads(json.dumps(best))  # as it travels from Tuner to Trainer
    run_fn(args)
    config, training = (
        served_model.read_json(args.serving_model_dir, name)
        for name in (served_model.CONFIG, served_model.TRAINING)
    )
    used = config["model"] | config["train"]
    assert {name: used[name] for name in best["values"]} == best["values"]
    assert training["hyperparameters"] == best["values"]


def test_settings_that_change_nothing_are_named(hard, tmp_path, caplog):
    """Before the first trial, for a search space that the tests' own network has no use for."""
    job = TrainingJob.begin(searched(hard, tmp_path))

    def search_space(choices):
        choices.Int("members", 1, 3)
        choices.Int("width", 8, 16)

    tuner, _ = random_search(job, job.read(), create_model, search_space)
    with caplog.at_level(logging.WARNING, "tfxkit.training"):
        tuner.hypermodel.build(keras_tuner.HyperParameters())
    assert "does not read, so they change nothing: members" in caplog.text

    with pytest.raises(ModelError, match="names that are no settings: widht"):
        random_search(job, job.read(), create_model, lambda choices: choices.Int("widht", 8, 16))

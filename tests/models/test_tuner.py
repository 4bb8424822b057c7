import json

import pytest

from tests.models.conftest import fn_args
from tests.sample.models.training import run_fn
from tests.sample.models.tuning import tuner_fn
from tfxkit.storage import served_model


@pytest.mark.slow
def test_trainer_takes_over_what_the_search_found(hard, tmp_path):
    args = fn_args(hard, tmp_path)
    args.custom_config["tuner"] = {"trials": 2, "epochs": 1}
    tuner, fit_kwargs = tuner_fn(args)
    tuner.search(**fit_kwargs)
    assert len(tuner.oracle.trials) == 2
    best = tuner.get_best_hyperparameters()[0].get_config()

    args.hyperparameters = json.loads(json.dumps(best))  # as it travels from Tuner to Trainer
    run_fn(args)
    with open(f"{args.serving_model_dir}/{served_model.CONFIG}") as file:
        config = json.load(file)
    used = config["model"] | config["train"]
    assert {name: used[name] for name in best["values"]} == best["values"]

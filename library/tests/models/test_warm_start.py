"""With warm start, a training begins where the served model ended, or does not begin at all."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.models.conftest import SMALL, fn_args, small_frame, transform
from tests.sample.models.training import run_fn
from tfxkit.config.dataset import Dataset
from tfxkit.storage import served_model
from tfxkit.training.job import transform_digest

pytestmark = pytest.mark.slow


COLUMNS = {**SMALL, "said": {"role": "text", "buckets": 32}}
DATASET = Dataset.model_validate({"task": "binary", "label": {"column": "y"}, "columns": COLUMNS})


def frame(rows):
    frame = small_frame(rows)
    frame["y"] = (frame["x"].astype(float) + (frame["word"] == "a") > 0.5).astype(int)
    frame["y"] = frame["y"].astype(object)
    frame["said"] = "It was " + frame["word"]
    return frame


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return transform(DATASET, frame(300), tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """Other data: a word is new, and the most frequent one; the others have other codes now."""
    other = frame(400)
    other.loc[other.index % 2 == 0, "word"] = "new"
    return transform(DATASET, other, tmp_path_factory.mktemp("more"))


@pytest.fixture(scope="module")
def served(data, tmp_path_factory):
    args = fn_args(data, tmp_path_factory.mktemp("served"), epochs=10)
    run_fn(args)
    statistics = Path(args.serving_model_dir) / served_model.STATISTICS  # as the Pusher adds them
    statistics.mkdir()
    (statistics / "FeatureStats.pb").write_text("")
    return args.serving_model_dir


def train(data, directory, caplog, **changes):
    args = fn_args(data, directory, **{"epochs": 10, "warm_start": True, **changes})
    with caplog.at_level(logging.INFO, "tfxkit.training"):
        run_fn(args)
    return args.serving_model_dir


def epochs(caplog):
    return sum(hasattr(record, "epoch") for record in caplog.records)


def first_loss(model_dir):
    training = json.loads((Path(model_dir) / served_model.TRAINING).read_text())
    return training["history"]["val_loss"][0]


def test_same_data_config_and_code_keep_the_served_model(data, served, tmp_path, caplog):
    kept = train(data, tmp_path, caplog, base_model=served)
    assert epochs(caplog) == 0
    assert served_model.fingerprint(kept) == served_model.fingerprint(served)
    tf.saved_model.load(kept)
    assert not (Path(kept) / served_model.STATISTICS).exists()


@pytest.mark.parametrize("change", [{"seed": 5}, {"code_hash": "1"}])
def test_other_config_or_code_trains(data, served, tmp_path, caplog, change):
    train(data, tmp_path, caplog, base_model=served, **change)
    assert epochs(caplog) > 0
    assert "Started from the weights" in caplog.text


def test_other_data_starts_from_the_served_weights(served, more, tmp_path, caplog):
    cold = train(more, tmp_path / "cold", caplog, base_model=None)
    caplog.clear()
    warm = train(more, tmp_path / "warm", caplog, base_model=served)
    assert epochs(caplog) > 0
    assert "Started from the weights" in caplog.text
    assert first_loss(warm) < first_loss(cold)


def test_what_has_another_shape_is_left_and_the_log_says_so(data, served, tmp_path, caplog):
    train(data, tmp_path, caplog, base_model=served, epochs=1, width=8)
    assert epochs(caplog) == 1
    assert "for their shape or name is new: dense/kernel, dense/bias, dense_1/kernel" in caplog.text


def test_without_a_served_model_it_trains_from_zero_and_the_log_says_so(data, tmp_path, caplog):
    train(data, tmp_path, caplog, base_model="/nowhere", epochs=1)
    assert epochs(caplog) == 1
    assert "Trained from zero: no model is being served" in caplog.text


def test_the_same_rows_in_another_unit_are_other_data(tmp_path):
    """Ranks are the same, so the transformed rows are; the quantiles are not."""
    dataset = Dataset.model_validate(
        {"task": "binary", "label": {"column": "y"}, "columns": {"x": {"role": "numeric"}}}
    )
    rows = np.arange(50)
    digests = [
        transform_digest(
            transform(
                dataset,
                pd.DataFrame({"x": unit * rows, "y": rows % 2}).astype(object),
                tmp_path / str(i),
            ).output
        )
        for i, unit in enumerate((1, 1, 1000))
    ]
    assert digests[0] == digests[1] != digests[2]

"""Real trainings on a few hundred rows: what comes out, and that it comes out again."""

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.models.conftest import (
    fn_args,
    hard_frame,
    small_frame,
    to_examples,
    transform,
)
from tests.sample.models.training import rebuild, run_fn
from tfxkit.config.dataset import Dataset
from tfxkit.errors import DataError, ModelError
from tfxkit.features.label import LABEL_KEY
from tfxkit.storage import served_model
from tfxkit.training.export import OUTPUT

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


def read_json(model_dir, name):
    return json.loads((Path(model_dir) / name).read_text())


def predict(model_dir, examples):
    signature = tf.saved_model.load(model_dir).signatures["serving_default"]
    (predictions,) = signature(examples=tf.constant(examples)).values()
    return predictions.numpy()


@pytest.fixture(scope="module")
def trained(hard, tmp_path_factory):
    args = fn_args(hard, tmp_path_factory.mktemp("trained"))
    run_fn(args)
    return args


def test_predictions_do_not_need_what_makes_the_label(hard, trained):
    """The price is a feature, so it is asked for; the tip is not."""
    without = to_examples(hard_frame().drop(columns=["tip/€"]))
    predictions = predict(trained.serving_model_dir, without)
    assert predictions.shape == (len(without), 1)
    np.testing.assert_array_equal(predictions, predict(trained.serving_model_dir, hard.examples))
    assert predictions.min() >= 0
    assert predictions.max() <= 1


def test_an_example_without_any_value_is_predicted_too(trained):
    assert np.isfinite(predict(trained.serving_model_dir, [b""])).all()


def test_signatures_are_named_as_clients_and_tfma_expect(hard, trained):
    signatures = tf.saved_model.load(trained.serving_model_dir).signatures
    assert list(signatures["serving_default"].structured_input_signature[1]) == ["examples"]
    assert list(signatures["serving_default"].structured_outputs) == [OUTPUT["binary"]]
    features = signatures["transform_features"](examples=tf.constant(hard.examples))
    assert features[LABEL_KEY].shape == [len(hard.examples)]


def test_the_model_built_again_from_weights_predicts_the_same(hard, trained):
    again = rebuild(trained.serving_model_dir, hard.graph)(hard.examples)
    exported = predict(trained.serving_model_dir, hard.examples)
    np.testing.assert_allclose(again, exported, atol=1e-5)


def last_gain(losses: list[float]) -> int:
    """The last epoch, from 1, whose loss is a thousandth below that of the epoch kept before."""
    kept = 1
    for epoch, loss in enumerate(losses, start=1):
        if np.log(loss) < np.log(losses[kept - 1]) - 0.001:
            kept = epoch
    return kept


def test_the_model_carries_its_past(hard, trained):
    model_dir = trained.serving_model_dir
    config = read_json(model_dir, served_model.CONFIG)
    assert config["dataset"] == hard.dataset.for_model()
    assert config["model"]["width"] == 16
    assert config["train"]["epochs"] == 4
    assert config["csv"]["delimiter"] == ";"  # predict reads files as those that were trained on
    schema = (Path(model_dir) / served_model.SCHEMA).read_text()
    assert schema == Path(hard.schema_path).read_text()
    training = read_json(model_dir, served_model.TRAINING)
    assert training["epochs"] == len(training["history"]["val_loss"]) == 4
    assert training["best_epoch"] == last_gain(training["history"]["val_loss"])
    assert training["seconds"] > 0
    assert training["parameters"] > 100
    assert served_model.fingerprint(model_dir)


def test_logs_for_tensorboard_are_written(trained):
    folders = {path.parent.name for path in Path(trained.model_run_dir).rglob("*tfevents*")}
    assert folders == {"train", "validation"}


def test_same_data_and_seed_give_the_same_model(hard, trained, tmp_path, caplog):
    args = fn_args(hard, tmp_path)
    with caplog.at_level(logging.INFO, "tfxkit.training"):
        run_fn(args)
    first, second = trained.serving_model_dir, args.serving_model_dir
    np.testing.assert_allclose(
        predict(first, hard.examples), predict(second, hard.examples), atol=1e-4
    )
    assert served_model.fingerprint(first) == served_model.fingerprint(second)
    # And on the way, each epoch is logged for whoever draws a progress bar.
    records = [record for record in caplog.records if hasattr(record, "epoch")]
    assert [(record.epoch, record.epochs) for record in records] == [(i, 4) for i in range(1, 5)]
    assert set(records[0].metrics) == {"loss", "val_loss"}


def test_training_stops_early_and_takes_the_best_epoch(hard, tmp_path):
    args = fn_args(hard, tmp_path, epochs=200, patience=2, learning_rate=0.05)
    run_fn(args)
    training = read_json(args.serving_model_dir, served_model.TRAINING)
    losses = training["history"]["val_loss"]
    assert training["epochs"] < 200
    assert training["best_epoch"] == training["epochs"] - 2 == last_gain(losses)


def test_a_training_that_goes_astray_exports_nothing(hard, tmp_path):
    args = fn_args(hard, tmp_path, learning_rate=1e38)
    with pytest.raises(ModelError, match=r"diverged in epoch \d"):
        run_fn(args)
    assert not Path(args.serving_model_dir).exists()


KILLED = """
import logging, os, pickle, signal, sys
from tests.sample.models.training import run_fn

class Kill(logging.Handler):
    def emit(self, record):
        if getattr(record, "epoch", 0) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

logging.getLogger("tfxkit.training").setLevel(logging.INFO)
logging.getLogger("tfxkit.training").addHandler(Kill())
run_fn(pickle.load(open(sys.argv[1], "rb")))
"""


def test_a_killed_training_goes_on_and_ends_the_same(hard, trained, tmp_path, caplog):
    import pickle

    args = fn_args(hard, tmp_path)
    (tmp_path / "args").write_bytes(pickle.dumps(args))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "args")]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not Path(args.serving_model_dir).exists()

    args.serving_model_dir += "-second-attempt"  # TFX gives each attempt its own folder
    with caplog.at_level(logging.INFO, "tfxkit.training"):
        run_fn(args)
    assert [record.epoch for record in caplog.records if hasattr(record, "epoch")] == [3, 4]
    resumed, whole = (
        read_json(folder, served_model.TRAINING)
        for folder in (args.serving_model_dir, trained.serving_model_dir)
    )
    assert [resumed[key] for key in ("epochs", "best_epoch")] == [4, whole["best_epoch"]]
    # To the last bit, though the first two epochs were trained in another process: with as many
    # threads as this one and, as everywhere here, without oneDNN (tfxkit/runs/run_log.py, QUIET).
    assert resumed["history"] == whole["history"]
    np.testing.assert_array_equal(
        predict(args.serving_model_dir, hard.examples),
        predict(trained.serving_model_dir, hard.examples),
    )
    assert not (tmp_path / "checkpoints").exists()


def test_a_training_killed_after_its_last_epoch_trains_no_further(
    hard, tmp_path, caplog, monkeypatch
):
    args = fn_args(hard, tmp_path, epochs=200, patience=1, learning_rate=0.05)
    for killed in (fn_args(hard, tmp_path, epochs=1), args):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("tfxkit.training.export.export", Mock(side_effect=KeyboardInterrupt))
            run_fn(killed)
    assert len(os.listdir(tmp_path / "checkpoints")) == 2
    caplog.clear()  # a run of the pipeline in this process has had it log all along
    with caplog.at_level(logging.INFO, "tfxkit.training"):
        run_fn(args)
    assert not any(hasattr(record, "epoch") for record in caplog.records)
    training = read_json(args.serving_model_dir, served_model.TRAINING)
    assert training["best_epoch"] == last_gain(training["history"]["val_loss"])
    assert not (tmp_path / "checkpoints").exists()  # nor is anything left of the other one


# Other columns and labels; the other tasks are in tests/runs/test_tasks.py.


QUICK = {"epochs": 30, "learning_rate": 0.01}


def test_texts_are_learned_by_their_words_and_the_pairs_of_them(tmp_path):
    """No word alone says anything, nor does the number of them."""
    random = np.random.default_rng(0)
    good, negated = random.integers(0, 2, (2, 240))
    words = np.array([["very bad", "not bad"], ["very good", "not good"]])[good, negated]
    starts = random.choice(["The film", "All that I saw yesterday", ""], 240)
    frame = pd.DataFrame({"text": [f"{a} is {b}!" for a, b in zip(starts, words, strict=True)]})
    frame["y"] = pd.Series(good ^ negated, dtype=object)
    frame["seen"] = [f"2024-0{1 + i % 9}-11" for i in range(240)]
    columns = {"text": {"role": "text"}, "seen": {"role": "timestamp", "unit": "text"}}
    dataset = Dataset.model_validate(
        {"task": "binary", "label": {"column": "y"}, "columns": columns}
    )
    args = fn_args(transform(dataset, frame, tmp_path / "data"), tmp_path, **QUICK)
    run_fn(args)
    unseen = ["It is very good", "It is not good", "bad, very bad", "Not bad at all", ""]
    examples = to_examples(pd.DataFrame({"text": unseen}))
    predictions = predict(args.serving_model_dir, examples)[:, 0]
    np.testing.assert_array_equal(predictions[:4] > 0.5, [True, False, False, True])
    assert np.isfinite(predictions).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "3 of 60 training rows have no label"),
        (
            7,
            r"3 of 60 training rows have unknown values of the label 'y': '7' \(3 rows\)",
        ),
    ],
)
def test_rows_without_a_label_are_refused(value, message, tmp_path):
    frame = small_frame(60)
    frame["y"] = (frame["x"] > 0).astype(int).astype(object)
    frame.loc[3:5, "y"] = value
    dataset = Dataset.model_validate(
        {"task": "binary", "label": {"column": "y"}, "columns": {"x": {"role": "numeric"}}}
    )
    data = transform(dataset, frame[["x", "y"]].astype(object), tmp_path / "data")
    with pytest.raises(DataError, match=message):
        run_fn(fn_args(data, tmp_path))

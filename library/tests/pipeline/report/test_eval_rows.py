"""Samples of a split, and kept predictions: whole or not at all, never unpickled, reused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfxkit.features.label import LABEL_KEY
from tfxkit.report import eval_rows
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import OUTCOMES

SLICES = (("town",), ("town", "size"))


class Model(tf.Module):
    """Predicts the length of the serialized row; its label is missing in every fifth."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        return {"probability": tf.cast(tf.strings.length(examples), tf.float32)[:, tf.newaxis]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def transform(self, examples):
        spec = {"n": tf.io.FixedLenFeature([], tf.int64)}
        n = tf.io.parse_example(examples, spec)["n"]
        return {LABEL_KEY: tf.where(n % 5 == 0, tf.constant(-1, tf.int64), n % 2)}


def example(n):
    features = {"n": tf.train.Feature(int64_list=tf.train.Int64List(value=[n]))}
    if n % 3:
        town = ["Ulm", "<b>"][n % 2].encode()
        features["town"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[town]))
    features["size"] = tf.train.Feature(float_list=tf.train.FloatList(value=[1.5]))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


@pytest.fixture
def places(tmp_path):
    model_dir, split = tmp_path / "model", tmp_path / "examples" / "Split-eval"
    model, split_file = Model(), split / "rows.gz"
    signatures = {"serving_default": model.serve, "transform_features": model.transform}
    tf.saved_model.save(model, str(model_dir), signatures=signatures)
    (model_dir / served_model.FINGERPRINT).parent.mkdir()
    (model_dir / served_model.FINGERPRINT).write_text("f" * 64)
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split_file), "GZIP") as writer:
        for n in range(100):
            writer.write(example(n))
    (tmp_path / "runs" / "1").mkdir(parents=True)
    (tmp_path / "runs" / "2").mkdir()
    return str(model_dir), str(split.parent), tmp_path / "runs"


def test_rows_without_a_label_are_left_out_and_slices_are_named_as_the_evaluator_does(places):
    model_dir, examples, runs = places
    rows = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    kept = [n for n in range(100) if n % 5]
    assert rows.labels.tolist() == [n % 2 for n in kept]
    assert rows.predictions.tolist() == [len(example(n)) for n in kept]
    found = {name: [kept[i] for i in indices] for name, indices in rows.slices().items()}
    assert found.keys() == {
        "town: Ulm",
        "town: <b>",
        "size: 1.5, town: Ulm",
        "size: 1.5, town: <b>",
    }
    assert found["town: <b>"] == [n for n in kept if n % 3 and n % 2]


def test_a_later_run_reuses_the_predictions_of_an_earlier_one(places):
    model_dir, examples, runs = places
    first = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    Path(model_dir, "saved_model.pb").unlink()  # must not be needed
    again = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "2")
    assert again.names == first.names
    np.testing.assert_array_equal(again.slice_of, first.slice_of)
    np.testing.assert_allclose(again.predictions, first.predictions)
    assert [file.name for file in (runs / "1").iterdir()] == [
        f.name for f in (runs / "2").iterdir()
    ]


@pytest.mark.parametrize("damage", ["empty", "half", "pickled"])
def test_damaged_files_are_made_anew(places, damage):
    model_dir, examples, runs = places
    first = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    [file] = (runs / "1").iterdir()
    if damage == "pickled":
        with file.open("wb") as stream:
            np.savez(stream, labels=np.array([print], dtype=object))
    else:
        file.write_bytes(file.read_bytes()[: 100 if damage == "half" else 0])
    again = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    np.testing.assert_array_equal(again.labels, first.labels)


def test_different_rows_or_another_model_are_predicted_anew(places):
    model_dir, examples, runs = places
    eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    eval_rows.load_eval_rows(model_dir, examples, (), runs / "1")
    with open(f"{model_dir}/{served_model.FINGERPRINT}", "w") as file:
        file.write("e" * 64)
    eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    assert len(list((runs / "1").iterdir())) == 3


def test_a_large_split_is_sampled(places, monkeypatch):
    model_dir, examples, runs = places
    monkeypatch.setattr(eval_rows, "MOST_ROWS", 30)
    rows = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    assert rows.every == 4
    assert rows.predictions.tolist() == [len(example(n)) for n in range(0, 100, 4) if n % 5]


def test_the_number_of_rows_comes_from_example_gen(places, monkeypatch):
    model_dir, examples, runs = places
    counts = [{"rows": {"train": 500, "eval": 30}}, {"rows": {"train": 0, "eval": 25}}]
    Path(examples, OUTCOMES).write_text(json.dumps({"repeated_share": 0, "files": counts}))
    monkeypatch.setattr(eval_rows, "MOST_ROWS", 30)
    rows = eval_rows.load_eval_rows(model_dir, examples, SLICES, runs / "1")
    assert rows.every == 2  # by the 55 that are written there, not by the 100 in the file


@pytest.fixture
def split(tmp_path):
    """Three files with 40, 0 and 60 rows, which are their numbers."""
    folder = tmp_path / "[1]" / "Split-train"  # a name that is a pattern, too
    folder.mkdir(parents=True)
    numbers = iter(range(100))
    for place, rows in enumerate((40, 0, 60)):
        with tf.io.TFRecordWriter(str(folder / f"data-{place}.gz"), "GZIP") as writer:
            for _ in range(rows):
                writer.write(str(next(numbers)).encode())
    return folder.parent


def taken(examples, most):
    records, every = eval_rows.sample_split(str(examples), "train", most)
    return [int(record) for record in records.as_numpy_iterator()], every


@pytest.mark.parametrize("counted", [False, True])
def test_rows_are_taken_evenly_from_all_files(split, counted, monkeypatch):
    if counted:
        files = [{"rows": {"train": 40, "eval": 9}}, {"rows": {"train": 60, "eval": 0}}]
        (split / OUTCOMES).write_text(json.dumps({"repeated_share": 0, "files": files}))
    monkeypatch.setattr(eval_rows, "BATCH_ROWS", 7)
    assert taken(split, 100) == (list(range(100)), 1)
    assert taken(split, 99) == (list(range(0, 100, 2)), 2)
    assert taken(split, 30) == (list(range(0, 100, 4)), 4)


def test_a_split_without_rows_is_no_sample(tmp_path):
    assert taken(tmp_path, 10) == ([], 1)

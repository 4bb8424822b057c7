import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfxkit.config.dataset import Dataset
from tfxkit.config.settings import TrainSettings
from tfxkit.errors import DataError
from tfxkit.features.label import LABEL_KEY
from tfxkit.features.model_inputs import DESCRIPTION, describe
from tfxkit.training.input_pipeline import epochs, in_order, read

DATASET = Dataset.model_validate(
    {"task": "binary", "label": {"column": "y"}, "columns": {"x": {"role": "numeric"}}}
)


@dataclasses.dataclass
class Output:
    """Stands for the output of Transform: a graph that only renames."""

    transform_savedmodel_dir: str

    def raw_feature_spec(self):
        return {
            "x": tf.io.FixedLenFeature([], tf.float32),
            "y": tf.io.FixedLenFeature([], tf.int64),
            "other": tf.io.FixedLenFeature([], tf.int64),  # in no row: not asked for
        }

    def transformed_feature_spec(self):
        return {
            "x.rank": tf.io.FixedLenFeature([], tf.float32),
            LABEL_KEY: tf.io.FixedLenFeature([], tf.int64),
        }

    def transform_features_layer(self):
        return lambda raw: {"x.rank": raw["x"], LABEL_KEY: raw["y"]}


def write(path, numbers, order=("x", "y")):
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for number in numbers:
            values = {
                "x": tf.train.Feature(float_list=tf.train.FloatList(value=[number])),
                "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[number % 2])),
            }
            entries = [tf.train.Features(feature={name: values[name]}) for name in order]
            features = b"".join(entry.SerializeToString() for entry in entries)
            writer.write(b"\n" + bytes([len(features)]) + features)


def read_numbers(directory, **train):
    settings = TrainSettings(**{"held_out": 0.2, **train})
    assets = Path(directory) / "assets"
    assets.mkdir(exist_ok=True)
    (assets / DESCRIPTION).write_text(describe([], ["x"]))
    return read([f"{directory}/*.gz"], Output(str(directory)), DATASET, settings)


def ranks(batches):
    return np.concatenate([features["x.rank"] for features, _ in batches]).tolist()


@pytest.fixture
def data(tmp_path):
    write(tmp_path / "a.gz", range(1000))
    return read_numbers(tmp_path)


def test_each_row_is_on_one_side(data):
    fit, held_out = ranks(in_order(data.fit)), ranks(in_order(data.held_out))
    assert sorted(fit + held_out) == list(range(1000))
    assert (len(data.fit), len(data.held_out)) == (len(fit), len(held_out))
    assert len(held_out) == pytest.approx(200, abs=50)
    assert data.fit.labels.tolist() == [number % 2 for number in fit]


def test_a_row_stays_on_its_side_whatever_else_there_is(data, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write(other / "b.gz", range(500, 2000))
    before, after = ranks(in_order(data.held_out)), ranks(in_order(read_numbers(other).held_out))
    assert [n for n in before if n >= 500] == [n for n in after if n < 1000]


def test_the_digest_is_of_the_rows_not_of_their_order_or_files(data, tmp_path):
    digests = []
    for name, parts in {
        "shuffled": [range(500, 1000), range(500)],
        "one more": [range(1001)],
        "one twice": [range(1000), [3]],
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        for i, part in enumerate(parts):
            write(folder / f"{i}.gz", part)
        digests.append(read_numbers(folder).digest)
    assert digests[0] == data.digest
    assert len({data.digest, *digests}) == 3


def test_the_order_of_features_in_a_row_changes_nothing(data, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write(other / "a.gz", range(1000), order=("y", "x"))
    again = read_numbers(other)
    assert again.digest == data.digest
    assert ranks(in_order(again.held_out)) == ranks(in_order(data.held_out))


def test_an_epoch_has_every_row_once_in_an_order_of_its_own(data):
    steps = data.fit.steps(64)
    batches = iter(epochs(data.fit, 64, seed=1, first=0))
    first, second = (ranks(itertools.islice(batches, steps)) for _ in range(2))
    assert sorted(first) == sorted(second) == sorted(ranks(in_order(data.fit)))
    assert first != second


def test_an_epoch_is_the_same_whether_those_before_it_were_read_or_not(data):
    steps = data.fit.steps(64)
    batches = epochs(data.fit, 64, seed=1, first=0)
    third = ranks(itertools.islice(batches, 2 * steps, 3 * steps))
    assert ranks(epochs(data.fit, 64, seed=1, first=2).take(steps)) == third
    assert ranks(epochs(data.fit, 64, seed=2, first=2).take(steps)) != third


@pytest.mark.parametrize("batch_size", [1, 3, 64, 2000])
def test_calls_of_compiled_code_are_short_and_fill_an_epoch(data, batch_size):
    rows = data.fit
    batches, steps = rows.batches(batch_size), rows.steps(batch_size)
    assert 1 <= rows.steps_per_call(batch_size) <= 100
    assert steps % rows.steps_per_call(batch_size) == 0
    assert batches >= steps >= 0.99 * batches
    if batches <= 100:
        assert steps == batches == rows.steps_per_call(batch_size)


def test_a_long_epoch_ends_with_its_last_call(data):
    steps = data.fit.steps(3)
    assert steps < data.fit.batches(3)  # or it would show nothing
    second = epochs(data.fit, 3, seed=1, first=0).skip(steps).take(steps)
    assert ranks(second) == ranks(epochs(data.fit, 3, seed=1, first=1).take(steps))


def test_short_epochs_go_through_all_rows_before_they_begin_anew(tmp_path):
    write(tmp_path / "a.gz", range(1000))
    data = read_numbers(tmp_path, epoch_rows=300)
    steps, parts = data.fit.steps(32), data.fit.parts(32)
    assert parts == 3
    assert steps * 32 <= 300 + 32
    epoch = [ranks(epochs(data.fit, 32, seed=1, first=i).take(steps)) for i in range(2 * parts)]
    for one_pass in (epoch[:parts], epoch[parts:]):
        whole = list(itertools.chain(*one_pass))
        assert len(set(whole)) == len(whole) > len(data.fit) - 32 * parts
    assert epoch[0] != epoch[parts]
    assert len(ranks(in_order(data.held_out))) == len(data.held_out)


def test_rows_that_are_not_kept_in_memory_are_the_same(data, tmp_path):
    streamed = read_numbers(tmp_path, cache=False)
    assert streamed.digest == data.digest
    for kept, read_again in ((data.fit, streamed.fit), (data.held_out, streamed.held_out)):
        assert ranks(in_order(read_again)) == ranks(in_order(kept))
    steps = streamed.fit.steps(64)
    batches = epochs(streamed.fit, 64, seed=1, first=0)
    first, second = ranks(batches.take(steps)), ranks(batches.skip(steps).take(steps))
    assert sorted(first) == sorted(second) == sorted(ranks(in_order(data.fit)))
    assert first != second
    assert ranks(epochs(streamed.fit, 64, seed=1, first=1).take(steps)) == second


def test_no_more_rows_are_kept_than_the_training_comes_to(tmp_path):
    write(tmp_path / "a.gz", range(12_000))
    everything = read_numbers(tmp_path, seed=1)
    few = {"epochs": 3, "epoch_rows": 100}
    data, other = (read_numbers(tmp_path, seed=seed, **few) for seed in (1, 2))
    kept = ranks(in_order(data.fit)) + ranks(in_order(data.held_out))
    assert len(kept) == len(set(kept)) == 10_300  # and those that may be held out
    assert set(kept) < set(range(12_000))
    assert set(ranks(in_order(data.held_out))) < set(ranks(in_order(everything.held_out)))
    assert ranks(in_order(other.fit)) != ranks(in_order(data.fit))
    assert data.digest == everything.digest
    assert len(read_numbers(tmp_path, cache=False, **few).fit) == len(everything.fit)


def test_too_few_rows_to_hold_some_out_are_refused(tmp_path):
    write(tmp_path / "a.gz", [1])
    with pytest.raises(DataError, match=r"1 training rows are too few .* train.held_out"):
        read_numbers(tmp_path)


def test_no_rows_at_all_are_refused(tmp_path):
    write(tmp_path / "a.gz", [])
    with pytest.raises(DataError, match="0 training rows"):
        read_numbers(tmp_path)

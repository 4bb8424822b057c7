"""A part of a split is taken evenly from all of its files, and the page says that it is a part."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from tfxkit.report import sampling
from tfxkit.report.features import Features
from tfxkit.report.writing import environment
from tfxkit.storage.examples_artifact import OUTCOMES


@pytest.fixture
def examples(tmp_path):
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
    records, every = sampling.sample(str(examples), "train", most)
    return [int(record) for record in records.as_numpy_iterator()], every


@pytest.mark.parametrize("counted", [False, True])
def test_rows_are_taken_evenly_from_all_files(examples, counted, monkeypatch):
    if counted:
        files = [{"rows": {"train": 40, "eval": 9}}, {"rows": {"train": 60, "eval": 0}}]
        (examples / OUTCOMES).write_text(json.dumps({"repeated_share": 0, "files": files}))
    monkeypatch.setattr(sampling, "_BATCH_ROWS", 7)
    assert taken(examples, 100) == (list(range(100)), 1)
    assert taken(examples, 99) == (list(range(0, 100, 2)), 2)
    assert taken(examples, 30) == (list(range(0, 100, 4)), 4)


def test_a_split_without_rows_is_no_sample(tmp_path):
    assert taken(tmp_path, 10) == ([], 1)


def test_the_page_says_which_splits_it_has_looked_at_in_part():
    template = environment().get_template("features.html")
    text = template.render(content=Features([], {"train": 7, "eval": 1}, []))
    assert "Ranges and shares of train are from one row in 7." in text
    assert "of eval are" not in text
    assert "one row in" not in template.render(content=Features([], {"train": 1, "eval": 1}, []))

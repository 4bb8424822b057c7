"""A version without training: the default signature, and one of several inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

from tfxkit.serving.model import LoadedModel
from tfxkit.storage import served_model

TEXTS = tf.TensorSpec([None], tf.string)
SCHEMA = """
feature { name: "x" type: FLOAT }
feature { name: "n" type: INT }
feature { name: "word" type: BYTES }
feature { name: "label" type: INT }
"""
COLUMNS = {"x": "numeric", "n": "numeric", "word": "categorical", "label": "ignored"}


class Tiny(tf.Module):
    """Twice x, plus n, plus the length of the word; a factor tells versions apart."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = tf.Variable(factor)

    def score(self, examples):
        types = {"x": tf.float32, "n": tf.int64, "word": tf.string}
        zeros = {"x": 0.0, "n": 0, "word": ""}
        spec = {name: tf.io.FixedLenFeature([], types[name], zeros[name]) for name in types}
        columns = tf.io.parse_example(examples, spec)
        length = tf.cast(tf.strings.length(columns["word"]), tf.float32)
        return self.factor * columns["x"] + tf.cast(columns["n"], tf.float32) + length

    @tf.function(input_signature=[TEXTS])
    def serve(self, examples):
        return {"score": self.score(examples)[:, tf.newaxis]}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, "pair"),
            tf.TensorSpec([None], tf.string, "word"),
        ]
    )
    def named(self, pair, word):
        return {"sum": tf.reduce_sum(pair, axis=1), "word": word, "word_bytes": word}


def write_version(version_dir: Path, factor: float = 2.0) -> None:
    """Writes a complete version."""
    model = Tiny(factor)
    signatures = {"serving_default": model.serve, "named": model.named}
    tf.saved_model.save(model, str(version_dir), signatures)
    (version_dir / served_model.STATISTICS).mkdir(parents=True)
    columns = {name: {"role": role} for name, role in COLUMNS.items()}
    texts = {
        served_model.SCHEMA: SCHEMA,
        served_model.FINGERPRINT: str(factor),
        served_model.WEIGHTS: "",
        served_model.CONFIG: json.dumps({"dataset": {"columns": columns, "unknown here": 1}}),
    }
    for name, text in texts.items():
        (version_dir / name).write_text(text)


@pytest.fixture(scope="session")
def version_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("serving") / "7"
    write_version(folder)
    return folder


@pytest.fixture(scope="session")
def model(version_dir) -> LoadedModel:
    return LoadedModel(str(version_dir))

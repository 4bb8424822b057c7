"""A version without training: the default signature, and one of several inputs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import tensorflow as tf

from tfxkit.serving.grpc_services import add_services
from tfxkit.serving.metrics import RequestMetrics
from tfxkit.serving.model import LoadedModel
from tfxkit.serving.rest import create_app
from tfxkit.serving.server import Ports, running
from tfxkit.serving.versions import Versions
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


class RunningServer:
    """Both APIs of a server in this process, with the model `m`."""

    def __init__(self, ports: Ports):
        self.rest, self.grpc = f"http://{ports.rest}", ports.grpc

    def post(self, body, headers=()) -> tuple[int, dict, Mapping[str, str]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.rest}/v1/models/m:predict"
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, data, dict(headers)), timeout=300
            ) as response:
                return response.status, json.load(response), response.headers
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers

    def metrics(self) -> str:
        with urllib.request.urlopen(
            f"{self.rest}/monitoring/prometheus/metrics", timeout=300
        ) as response:
            return response.read().decode()


@pytest.fixture
def server(version_dir) -> Iterator[RunningServer]:
    versions = Versions("m", str(version_dir.parent), lambda line: None)
    versions.look()
    versions.look()
    metrics = RequestMetrics("m")
    ports = Ports("127.0.0.1", 0, 0)
    add_services(ports.grpc_server, versions, metrics)
    with running(ports, create_app(versions, metrics), versions):
        yield RunningServer(ports)

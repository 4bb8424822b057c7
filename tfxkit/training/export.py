"""From the trained model to what is served, and back.

The Transform graph is inside of the exported model: raw examples go in, so training and serving
cannot differ.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from models.network import Ensemble, build_model
from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.settings import TrainerConfig
from tfxkit.features.model_inputs import model_columns, model_features, read_description
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio

# The one output of serving_default, of shape [batch, 1] or, multiclass, [batch, classes].
OUTPUT = {
    Task.BINARY: "probability",
    Task.MULTICLASS: "probabilities",
    Task.REGRESSION: "prediction",
}
# What both signatures take. Their functions are given without AutoGraph, which takes longer to
# rewrite the Python of their layers than TensorFlow to trace it.
EXAMPLES = [tf.TensorSpec([None], tf.string, name="examples")]


def export(
    model: Ensemble,
    transform_output: tft.TFTransformOutput,
    config: TrainerConfig,
    *,
    schema: str,
    training: Mapping[str, Any],
    directory: str,
) -> None:
    """Writes the SavedModel and, in `assets.extra`, where it comes from.

    Args:
        model: The trained model.
        transform_output: The graph that made its features.
        config: What it was trained with.
        schema: The schema of the raw data, as text.
        training: How the training went; `code_hash` and `transform` are part of the fingerprint.
        directory: Where to write; see `tfxkit.storage.served_model` for what is where.
    """
    _write_saved_model(model, transform_output, config.dataset, directory)
    fileio.makedirs(os.path.join(directory, served_model.EXTRA))
    fingerprint = _fingerprint(model.get_weights(), config, schema, training)
    _write(directory, served_model.FINGERPRINT, fingerprint)
    _write(directory, served_model.SCHEMA, schema)
    _write(directory, served_model.CONFIG, json.dumps(config.to_json(), indent=2))
    _write(directory, served_model.FEATURES, read_description(transform_output))
    _write(directory, served_model.TRAINING, json.dumps(training, indent=2))
    with tempfile.TemporaryDirectory() as local:  # h5py writes to local files only
        path = os.path.join(local, os.path.basename(served_model.WEIGHTS))
        without_optimizer(model).save_weights(path)
        fileio.copy(path, os.path.join(directory, served_model.WEIGHTS), overwrite=True)


def _fingerprint(
    weights: Sequence[np.ndarray], config: TrainerConfig, schema: str, training: Mapping[str, Any]
) -> str:
    """A hash of all that makes a model what it is; the same when it is trained again.

    Of the Transform graph, too: in another unit the same data gives the same ranks, thus the same
    weights, and yet another model (see `tfxkit.training.reuse.transform_digest`).
    """
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(f"{weight.shape}{weight.dtype}".encode() + weight.tobytes())
    identity = [config.to_json(), schema, training["code_hash"], training["transform"]]
    digest.update(json.dumps(identity, sort_keys=True).encode())
    return digest.hexdigest()


def load_weights(model: keras.Model, model_dir: str) -> None:
    """Loads the weights that `export` wrote.

    Raises:
        ValueError: If they are the weights of another architecture.
    """
    with tempfile.TemporaryDirectory() as local:
        path = os.path.join(local, os.path.basename(served_model.WEIGHTS))
        fileio.copy(os.path.join(model_dir, served_model.WEIGHTS), path)
        without_optimizer(model).load_weights(path)


def rebuild(model_dir: str, transform_graph_dir: str) -> Callable[[list[bytes]], np.ndarray]:
    """Builds an exported model again from code, config and weights, without its SavedModel.

    It shares no more than that with the export, so that a mistake there can be found.

    Args:
        model_dir: What `export` wrote.
        transform_graph_dir: The Transform graph that the model was trained with.

    Returns:
        A function from serialized raw tf.Examples to what `serving_default` predicts for them.
    """
    config = TrainerConfig.model_validate(read_json(model_dir, served_model.CONFIG))
    transform_output = tft.TFTransformOutput(transform_graph_dir)
    model = build_model(config.dataset, model_features(transform_output), config.model)
    load_weights(model, model_dir)
    transform = transform_output.transform_features_layer()
    spec = transform_output.raw_feature_spec()

    def predict(examples: list[bytes]) -> np.ndarray:
        features = transform(tf.io.parse_example(examples, spec))
        members = model({name: features[name] for name in model.input}, training=False)
        return members.numpy().mean(axis=1)

    return predict


def without_optimizer(model: keras.Model) -> keras.Model:
    """The same layers in a plain model, whose weights file has no optimizer in it."""
    return keras.Model(model.inputs, model.outputs)


@tf.autograph.experimental.do_not_convert  # of what Keras traces besides
def _write_saved_model(
    model: Ensemble, transform_output: tft.TFTransformOutput, dataset: Dataset, directory: str
) -> None:
    transform = transform_output.transform_features_layer()

    @tf.function(input_signature=EXAMPLES, autograph=False)
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return transform(tf.io.parse_example(examples, transform_output.raw_feature_spec()))

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(transform)  # its vocabularies
    archive.add_endpoint("serving_default", _serving_fn(model, transform_output, dataset))
    archive.add_endpoint("transform_features", transform_features)
    archive.write_out(directory, verbose=False)


def _serving_fn(
    model: Ensemble, transform_output: tft.TFTransformOutput, dataset: Dataset
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    transform = transform_output.transform_features_layer()
    spec = transform_output.raw_feature_spec()
    spec = {column: spec[column] for column in model_columns(transform_output)}  # not the label's
    output = OUTPUT[dataset.task]

    @tf.function(input_signature=EXAMPLES, autograph=False)
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = transform(tf.io.parse_example(examples, spec))
        return {output: model.predict_mean({name: features[name] for name in model.input})}

    return serve


def read_json(directory: str, name: str) -> dict[str, Any] | None:
    """Reads one of the JSON files of a model's folder; None if it is not there."""
    path = os.path.join(directory, name)
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return json.loads(file.read())


def _write(directory: str, name: str, text: str) -> None:
    with fileio.open(os.path.join(directory, name), "w") as file:
        file.write(text)

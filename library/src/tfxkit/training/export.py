"""Export of the trained model to a SavedModel, and its reconstruction from code and weights.

The Transform graph is inside the exported model: raw examples go in, so training and serving
cannot differ.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfxkit.config.dataset import Task
from tfxkit.config.settings import TrainerConfig
from tfxkit.errors import ModelError
from tfxkit.features.model_inputs import model_columns, model_features, read_description
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio
from tfxkit.training import weights
from tfxkit.training.building import BuildModel, build, predict
from tfxkit.training.fitting import Fitted
from tfxkit.training.input_pipeline import LabelScale, TrainingData
from tfxkit.training.job import TrainingJob
from tfxkit.training.weights import Weights

__all__ = ["export", "rebuild"]

# The one output of serving_default, of shape [batch, 1] or, multiclass, [batch, classes].
OUTPUT = {
    Task.BINARY: "probability",
    Task.MULTICLASS: "probabilities",
    Task.REGRESSION: "prediction",
}
_INPUT, _OTHER_INPUT = "examples", "serialized_examples"  # of both signatures


def export(model: keras.Model, job: TrainingJob, data: TrainingData, fitted: Fitted) -> None:
    """Writes the SavedModel and, in `assets.extra`, its provenance.

    The layout is in `tfxkit.storage.served_model`.

    Args:
        model: The trained network.
        job: Settings of the training, and the folder to write to.
        data: The training rows.
        fitted: Course of the training.
    """
    directory = job.fn_args.serving_model_dir
    training = {
        "epochs": len(fitted.history["loss"]),
        "best_epoch": fitted.best_epoch,
        "seconds": fitted.seconds,
        "parameters": model.count_params(),
        "history": fitted.history,
        "hyperparameters": (job.fn_args.hyperparameters or {}).get("values", {}),
        **job.origin(data),
    }
    learned = Weights.of(model, job.features, job.config.dataset, data.label_scale)
    _write_saved_model(model, job, data.label_scale, directory)
    fileio.makedirs(os.path.join(directory, served_model.EXTRA))
    _write(directory, served_model.FINGERPRINT, fingerprint(learned, job, training))
    _write(directory, served_model.SCHEMA, job.schema)
    _write(directory, served_model.CONFIG, json.dumps(job.config.to_json(), indent=2))
    _write(directory, served_model.FEATURES, read_description(job.transform_output))
    _write(directory, served_model.TRAINING, json.dumps(training, indent=2))
    weights.write(learned, directory)


def fingerprint(learned: Weights, job: TrainingJob, training: Mapping[str, Any]) -> str:
    """Hash of data, code and settings of a model; the same when it is trained again.

    It covers the Transform graph and the scale of the label, too: in another unit the same data
    gives the same ranks, thus the same weights, and yet another model (see
    `tfxkit.training.job.transform_digest`).

    Args:
        learned: The weights.
        job: Configuration and schema.
        training: Hashes of code (`code_hash`) and Transform graph (`transform`).
    """
    digest = hashlib.sha256()
    for path, value in learned.variables.items():
        digest.update(f"{path}{value.shape}{value.dtype}".encode() + value.tobytes())
    identity = [
        job.config.to_json(),
        job.schema,
        training["code_hash"],
        training["transform"],
        dataclasses.astuple(learned.label_scale),
    ]
    digest.update(json.dumps(identity, sort_keys=True).encode())
    return digest.hexdigest()


def rebuild(
    build_model: BuildModel, model_dir: str, transform_graph_dir: str
) -> Callable[[list[bytes]], np.ndarray]:
    """Builds an exported model again from code, config and weights, without its SavedModel.

    It shares nothing else with the export, so it can reveal a mistake there.

    Args:
        build_model: The owner's function.
        model_dir: The folder that `export` wrote.
        transform_graph_dir: The Transform graph that the model was trained with.

    Returns:
        A function from serialized raw tf.Examples to the predictions of `serving_default`.

    Raises:
        ModelError: If the weights are missing, or belong to another architecture.
    """
    config = TrainerConfig.model_validate(served_model.read_json(model_dir, served_model.CONFIG))
    transform_output = tft.TFTransformOutput(transform_graph_dir)
    inputs = model_features(transform_output)
    model = build(build_model, inputs, config)
    learned = weights.read(model_dir)
    if learned is None:
        raise ModelError(f"{model_dir} has no weights that this version can read")
    learned.assign_to(model)
    transform = transform_output.transform_features_layer()
    spec = transform_output.raw_feature_spec()

    def predictions(examples: list[bytes]) -> np.ndarray:
        features = transform(tf.io.parse_example(examples, spec))
        return learned.label_scale.to_units(predict(model, inputs, features)).numpy()

    return predictions


def _examples(columns: Collection[str]) -> tf.TensorSpec:
    """Input of both signatures, under a name that no column has.

    TFMA passes a column to the input of its name, in place of the serialized examples
    (`filter_by_input_names` in tfma/utils/model_util.py).
    """
    name = _INPUT if _INPUT not in columns else _OTHER_INPUT
    while name in columns:
        name += "_"
    return tf.TensorSpec([None], tf.string, name=name)


@tf.autograph.experimental.do_not_convert  # of functions that Keras traces itself
def _write_saved_model(
    model: keras.Model, job: TrainingJob, label_scale: LabelScale, directory: str
) -> None:
    transform = job.transform_output.transform_features_layer()
    spec = job.transform_output.raw_feature_spec()
    examples_spec = _examples(spec)

    # Both functions are traced without AutoGraph, which takes longer to rewrite the Python of their
    # layers than TensorFlow to trace it.
    @tf.function(input_signature=[examples_spec], autograph=False)
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return transform(tf.io.parse_example(examples, spec))

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(_resources(transform))
    archive.add_endpoint("serving_default", _serving_fn(model, job, label_scale, examples_spec))
    archive.add_endpoint("transform_features", transform_features)
    archive.write_out(directory, verbose=False)


def _resources(transform: tf.Module) -> tf.Module:
    """Vocabularies of a layer, without the layer.

    Keras would look for them in the layer as in a SavedModel, and trace it once more.
    """
    module = tf.Module()
    module.resources = [
        each
        for each in tf.train.TrackableView(transform).descendants()
        if isinstance(each, tf.saved_model.experimental.TrackableResource)
    ]
    return module


def _serving_fn(
    model: keras.Model, job: TrainingJob, label_scale: LabelScale, examples_spec: tf.TensorSpec
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    transform = job.transform_output.transform_features_layer()
    spec = job.transform_output.raw_feature_spec()
    spec = {c: spec[c] for c in model_columns(job.transform_output)}  # without the label's columns
    output = OUTPUT[job.config.dataset.task]

    @tf.function(input_signature=[examples_spec], autograph=False)
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = transform(tf.io.parse_example(examples, spec))
        return {output: label_scale.to_units(predict(model, job.features, features))}

    return serve


def _write(directory: str, name: str, text: str) -> None:
    with fileio.open(os.path.join(directory, name), "w") as file:
        file.write(text)

"""A training as TFX's Trainer or Tuner orders it: settings, features, rows and folders."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tfx.components.trainer.fn_args_utils import FnArgs

from tfxkit.config.dataset import Task
from tfxkit.config.settings import TrainerConfig
from tfxkit.features.model_inputs import Feature, model_features
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio
from tfxkit.training import weights
from tfxkit.training.checkpoint import Checkpoint
from tfxkit.training.input_pipeline import LabelScale, TrainingData, read

__all__ = ["TrainingJob"]

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainingJob:
    """A training that `run_fn`, or a search that `tuner_fn`, is called for.

    Attributes:
        fn_args: As TFX makes them. `custom_config` has the keys of `TrainerConfig`, and
            `checkpoint_dir` (where a killed training is found again), `code_hash` and, where runs
            of one pipeline may train at the same time, `checkpoint_run` (what tells them apart).
        config: Description of the data, settings of network and training.
        transform_output: The Transform graph.
        features: Inputs of the network.
    """

    fn_args: FnArgs
    config: TrainerConfig
    transform_output: tft.TFTransformOutput
    features: list[Feature]

    @classmethod
    def begin(cls, fn_args: FnArgs) -> TrainingJob:
        """Reads the arguments, and makes arithmetic and random numbers the same each time."""
        config = TrainerConfig.from_custom_config(fn_args.custom_config, fn_args.hyperparameters)
        keras.utils.set_random_seed(config.train.seed)
        tf.config.experimental.enable_op_determinism()
        transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
        return cls(fn_args, config, transform_output, model_features(transform_output))

    def with_hyperparameters(self, hyperparameters: Mapping[str, Any]) -> TrainingJob:
        """The same job with other settings: the config of a `keras_tuner.HyperParameters`."""
        config = TrainerConfig.from_custom_config(self.fn_args.custom_config, hyperparameters)
        return dataclasses.replace(self, config=config)

    def read(self, *, standardize_labels: bool = True) -> TrainingData:
        """Reads the rows.

        Args:
            standardize_labels: Regression: the network learns labels of mean 0 and standard
                deviation 1, whatever their unit, and the exported model predicts in units of the
                label. If not, the network has to predict in these units itself, as one whose last
                activation or loss takes positive numbers only.

        Raises:
            DataError: If the rows are not fit to train on.
        """
        data = read(
            self.fn_args.train_files, self.transform_output, self.config.dataset, self.config.train
        )
        if self.config.dataset.task is not Task.REGRESSION or not standardize_labels:
            return data
        return dataclasses.replace(data, label_scale=LabelScale.of(data.fit.labels))

    def keeps_served_model(self, data: TrainingData) -> bool:
        """Exports the served model again if this training would only make it again.

        That is so with `train.warm_start`, where data, schema, configuration and code are the same.
        """
        base_model = self._base_model
        origin = self.origin(data)
        if not base_model or not _is_same_training(base_model, self.config, self.schema, origin):
            return False
        logger.info("Data, config and code are those of the model being served: it is kept")
        _copy_model(base_model, self.fn_args.serving_model_dir)
        return True

    def warm_start(self, model: keras.Model) -> None:
        """With `train.warm_start`, begins with the served model's weights, where they fit."""
        if self._base_model:
            weights.start_from(self._base_model, model, self.features, self.config.dataset)

    def origin(self, data: TrainingData) -> dict[str, str]:
        """Hashes of the code, the rows and the Transform graph."""
        return {
            "code_hash": self.fn_args.custom_config.get("code_hash", ""),
            "data": data.digest,
            "transform": self._transform_digest,
        }

    @functools.cached_property
    def schema(self) -> str:
        """The schema of the raw data, as text."""
        with fileio.open(self.fn_args.schema_path, "r") as file:
            return file.read()

    @functools.cached_property
    def checkpoint(self) -> Checkpoint:
        """The state of this training, the same for each attempt at it.

        It lies outside of what an attempt writes.
        """
        custom = self.fn_args.custom_config
        inputs: list[Any] = [self.config.to_json(), custom.get("code_hash", "")]
        run = custom.get("checkpoint_run", "")
        if not run:  # of which each would have data of its own
            inputs += [
                sorted(self.fn_args.train_files),
                self.fn_args.transform_graph_path,
                self.fn_args.base_model,
            ]
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
        directory = os.path.join(custom["checkpoint_dir"], run, key)
        return Checkpoint(directory, self.config.train.patience)

    @property
    def log_dir(self) -> str:
        """The folder for TensorBoard's logs."""
        return self.fn_args.model_run_dir

    @property
    def _base_model(self) -> str | None:
        return self.fn_args.base_model if self.config.train.warm_start else None

    @functools.cached_property
    def _transform_digest(self) -> str:
        return transform_digest(self.transform_output)


def _is_same_training(
    base_model: str, config: TrainerConfig, schema: str, origin: Mapping[str, str]
) -> bool:
    """True if the served model was trained with the same data, schema, config and code.

    Args:
        base_model: Folder of the served model; a missing one is not the same.
        config: Config of this training; its `warm_start` makes no difference.
        schema: Schema of the raw data, as text.
        origin: Hashes of the data and of the code, as in `training.json`.
    """
    training = served_model.read_json(base_model, served_model.TRAINING)
    if training is None or any(training.get(name) != value for name, value in origin.items()):
        return False
    with fileio.open(os.path.join(base_model, served_model.SCHEMA), "r") as file:
        if file.read() != schema:
            return False
    used = TrainerConfig.model_validate(served_model.read_json(base_model, served_model.CONFIG))
    return _without_warm_start(used) == _without_warm_start(config)


def transform_digest(transform_output: tft.TFTransformOutput) -> str:
    """Hash of the vocabularies and quantiles that tf.Transform learned from the data.

    Other data may give the same transformed rows, for example if all amounts are in another unit.
    Only constants of the graph count, since names of functions differ from run to run.
    """
    saved_model = saved_model_pb2.SavedModel()
    with fileio.open(f"{transform_output.transform_savedmodel_dir}/saved_model.pb", "rb") as file:
        saved_model.ParseFromString(file.read())
    graph = saved_model.meta_graphs[0].graph_def
    nodes = itertools.chain(graph.node, *(f.node_def for f in graph.library.function))
    learned = [
        node.attr["value"].tensor.SerializeToString(deterministic=True)
        for node in nodes
        if node.op == "Const" and node.attr["dtype"].type != types_pb2.DT_STRING
    ]
    assets = f"{transform_output.transform_savedmodel_dir}/assets"
    for name in fileio.listdir(assets) if fileio.exists(assets) else []:
        with fileio.open(os.path.join(assets, name), "rb") as file:
            learned.append(name.encode() + file.read())
    return hashlib.sha256(b"".join(sorted(learned))).hexdigest()[:16]


def _copy_model(base_model: str, directory: str) -> None:
    """Copies a served model, without the statistics that the Pusher adds."""
    for folder, _, names in fileio.walk(base_model):
        relative = os.path.relpath(folder, base_model)
        if relative.startswith(served_model.STATISTICS):
            continue
        fileio.makedirs(os.path.join(directory, relative))
        for name in names:
            target = os.path.join(directory, relative, name)
            fileio.copy(os.path.join(folder, name), target, overwrite=True)


def _without_warm_start(config: TrainerConfig) -> dict[str, Any]:
    values = config.to_json()
    del values["train"]["warm_start"]
    return values

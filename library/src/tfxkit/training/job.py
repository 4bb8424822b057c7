"""Training as TFX's Trainer or Tuner orders it: settings, features, rows, folders, checkpoints.

Keras' BackupAndRestore keeps weights and optimizer only: EarlyStopping beside it would forget the
best epoch, and a kill while it writes can leave a torn file. So `Checkpoint` is both.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import itertools
import json
import logging
import math
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
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
from tfxkit.training.input_pipeline import LabelScale, TrainingData, read

__all__ = ["TrainingJob"]

logger = logging.getLogger(__name__)

_GAIN = 0.001  # relative; less takes long and brings nothing
_TINY = 1e-30  # a loss of 0 has no logarithm


@dataclasses.dataclass(frozen=True)
class TrainingJob:
    """Training that `run_fn` is called for, or search that `tuner_fn` is called for.

    Attributes:
        fn_args: As TFX makes them. `custom_config` has the keys of `TrainerConfig`, and
            `checkpoint_dir` (where a killed training is found again), `code_hash` and, where runs
            of one pipeline may train at the same time, `checkpoint_run` (a name for each run).
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
        """Replaces settings of the job by the config of a `keras_tuner.HyperParameters`."""
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
        """Exports the served model again if this training would only reproduce it.

        That is so with `train.warm_start`, if data, schema, configuration and code are the same.
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
        """Schema of the raw data, as text."""
        with fileio.open(self.fn_args.schema_path, "r") as file:
            return file.read()

    @functools.cached_property
    def checkpoint(self) -> Checkpoint:
        """State of this training, the same for each attempt at it.

        It lies outside of the folders that an attempt writes.
        """
        custom = self.fn_args.custom_config
        inputs: list[Any] = [self.config.to_json(), custom.get("code_hash", "")]
        run = custom.get("checkpoint_run", "")
        if not run:  # each run would have its own data
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
        """Folder for TensorBoard's logs."""
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


class RelativeEarlyStopping(keras.callbacks.EarlyStopping):
    """Stops when `val_loss` has not fallen by a thousandth for some epochs.

    The model then has the weights of the last epoch in which it did.
    """

    def __init__(self, patience: int) -> None:
        """Creates the callback.

        Args:
            patience: In epochs.
        """
        super().__init__(
            "val_loss", mode="min", min_delta=_GAIN, patience=patience, restore_best_weights=True
        )

    def get_monitor_value(self, logs: dict[str, float]) -> float:
        """Logarithm of the loss: turns a share of the loss into a difference."""
        return math.log(max(logs[self.monitor], _TINY))


class Checkpoint(RelativeEarlyStopping):
    """Early stopping that goes on where a killed training stopped.

    Call `restore` before `fit`.

    Attributes:
        history: The losses of all epochs, those of earlier attempts too.
        directory: Folder of the state until the end of the training.
        finished: True if an earlier attempt trained to its end and was killed only then.
    """

    def __init__(self, directory: str, patience: int) -> None:
        """Creates the callback.

        Args:
            directory: Folder of the state until the end of the training: the same for each attempt
                at one training, and beside those of other trainings, in a folder for nothing else.
            patience: In epochs.
        """
        super().__init__(patience)
        self.finished = False
        self.history: dict[str, list[float]] = {}
        self.directory = directory
        self._state: dict[str, Any] | None = None

    def restore(self, model: keras.Model) -> int:
        """Sets a compiled model to the state in which an earlier attempt was killed.

        Returns:
            Number of finished epochs: the `initial_epoch` of `fit`.
        """
        path = self._path()
        if not fileio.exists(path):
            return 0
        try:
            with fileio.open(path, "rb") as file:
                arrays = dict(np.load(io.BytesIO(file.read())))
            self._state = json.loads(arrays["state"].tobytes())
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            # Left by a power cut: a name without its content.
            logger.warning("%s is damaged (%s): the training begins anew", path, error)
            return 0
        variables = _variables(model)
        if not _matches(arrays, variables):
            logger.warning("%s is of another network: the training begins anew", path)
            self._state = None
            return 0
        self.finished = self._state["finished"]
        self.history = self._state["history"]
        for i, variable in enumerate(variables):
            variable.assign(arrays[f"variable-{i}"])
        self._state["best_weights"] = [
            arrays[f"best-{i}"] for i in range(self._state["best_weights"])
        ]
        return self._state["epoch"]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        if self._state is not None:
            for name in ("best", "best_epoch", "wait", "best_weights"):
                setattr(self, name, self._state[name])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self._save(epoch + 1)

    def clear(self) -> None:
        """Removes the state, once the result of the training is stored, and all states beside it.

        Those are of trainings that were killed and not resumed before this one began. At most one
        training uses the folder at a time, and only the last one killed is worth resuming.
        """
        folder = os.path.dirname(self.directory)
        if fileio.exists(folder):
            fileio.rmtree(folder)

    def _path(self) -> str:
        return os.path.join(self.directory, "state.npz")

    def _save(self, epochs_done: int) -> None:
        state = {
            "epoch": epochs_done,
            "finished": self.model.stop_training,
            "best": float(self.best),
            "best_epoch": int(self.best_epoch),
            "wait": self.wait,
            "best_weights": len(self.best_weights),
            "history": self.history,
        }
        arrays = {f"variable-{i}": v.numpy() for i, v in enumerate(_variables(self.model))}
        arrays |= {f"best-{i}": weight for i, weight in enumerate(self.best_weights)}
        buffer = io.BytesIO()
        np.savez(buffer, state=np.frombuffer(json.dumps(state).encode(), np.uint8), **arrays)
        fileio.makedirs(self.directory)
        with fileio.open(self._path() + ".new", "wb") as file:
            file.write(buffer.getvalue())
        fileio.rename(self._path() + ".new", self._path(), overwrite=True)


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Weights, states of random generators, and the optimizer's moments."""
    return [*model.variables, *model.optimizer.variables]


def _matches(arrays: Mapping[str, np.ndarray], variables: Sequence[keras.Variable]) -> bool:
    """True if saved arrays match the variables in number and shape."""
    saved = {name: array.shape for name, array in arrays.items() if name.startswith("variable-")}
    return saved == {f"variable-{i}": tuple(v.shape) for i, v in enumerate(variables)}

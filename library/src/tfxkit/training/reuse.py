"""Keeping the model that is being served where a training would only make it again."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Mapping
from typing import Any

import tensorflow_transform as tft
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from tfxkit.config.settings import TrainerConfig
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio


def is_same_training(
    base_model: str, config: TrainerConfig, schema: str, origin: Mapping[str, str]
) -> bool:
    """True if the served model was made from the same data, schema, config and code.

    Args:
        base_model: Folder of the served model; one that is not there is not the same.
        config: What would be trained with. Whether it starts warm makes no difference.
        schema: The schema of the raw data, as text.
        origin: Hashes of the data and of the code, as they stand in `training.json`.
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
    """A hash of what tf.Transform learned from the data: vocabularies and quantiles.

    Other data may give the same transformed rows, for example when all amounts are in another unit.
    Of the graph only its constants count: names of functions differ from run to run.
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


def copy_model(base_model: str, directory: str) -> None:
    """Copies a served model, but for the statistics that the Pusher adds."""
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

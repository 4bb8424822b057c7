"""Weights of a network of any kind in a file, and warm starts from them.

The file (HDF5) has a dataset for each variable, by its path in Keras (`hidden/kernel`), and the
meaning of the numbers: the inputs of the network, the values of each vocabulary in the order of
their codes, and the scale of the label.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import h5py
import keras
import numpy as np
import tensorflow as tf

from tfxkit.config.dataset import Dataset
from tfxkit.errors import ModelError
from tfxkit.features.model_inputs import FIRST_WORD_CODE, Feature, vocabularies
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio
from tfxkit.training.building import predict, random_rows
from tfxkit.training.input_pipeline import LabelScale

logger = logging.getLogger(__name__)

Vocabulary = tuple[bytes, ...]

_MOST_NAMED = 10  # variables in one line of the log


@dataclasses.dataclass(frozen=True)
class Weights:
    """Content of a weights file.

    Attributes:
        variables: Variables by path.
        tables: Variables with a vector for each code of a feature, if its codes depend on the data:
            path to the name of the feature.
        vocabularies: Vocabularies by name of the feature.
        meaning: The label, and the names and kinds of the inputs in their order. Weights of
            networks whose meanings differ cannot stand for one another, whatever their shapes.
        label_scale: Units of the predictions.
    """

    variables: Mapping[str, np.ndarray]
    tables: Mapping[str, str]
    vocabularies: Mapping[str, Vocabulary]
    meaning: object
    label_scale: LabelScale

    @classmethod
    def of(
        cls,
        model: keras.Model,
        features: Sequence[Feature],
        dataset: Dataset,
        label_scale: LabelScale,
    ) -> Weights:
        """Takes the present weights of a network."""
        inputs = [[f.name, str(f.kind), f.length] for f in features]
        label = dataset.label.model_dump(mode="json", exclude={"missing", "negative"})
        return cls(
            variables={p: v.numpy() for p, v in _variables(model).items()},
            tables=_tables(model, features),
            vocabularies={f.name: f.vocabulary for f in features if f.vocabulary is not None},
            meaning={"task": str(dataset.task), "label": label, "inputs": inputs},
            label_scale=label_scale,
        )

    def assign_to(self, model: keras.Model) -> None:
        """Assigns the weights to a network of the same architecture.

        Raises:
            ModelError: If the architecture differs.
        """
        variables = _variables(model)
        shapes = {path: tuple(variable.shape) for path, variable in variables.items()}
        stored = {path: value.shape for path, value in self.variables.items()}
        if shapes != stored:
            differ = sorted(p for p in shapes | stored if shapes.get(p) != stored.get(p))
            raise ModelError(f"The weights do not fit the network: {_join_names(differ)} differ")
        for path, variable in variables.items():
            variable.assign(self.variables[path])


def write(weights: Weights, model_dir: str) -> None:
    """Writes the weights file of an exported model."""
    with tempfile.TemporaryDirectory() as local:  # h5py writes to local files only
        path = os.path.join(local, "weights.h5")
        with h5py.File(path, "w") as file:
            file.attrs["meaning"] = json.dumps(weights.meaning)
            file.attrs["label_scale"] = dataclasses.astuple(weights.label_scale)
            for name, value in weights.variables.items():
                dataset = file.create_dataset(f"variables/{name}", data=value)
                if name in weights.tables:
                    dataset.attrs["feature"] = weights.tables[name]
            for name, words in weights.vocabularies.items():
                group = file.create_group(f"vocabularies/{name}")
                group["bytes"] = np.frombuffer(b"".join(words), np.uint8)
                group["lengths"] = np.array([len(word) for word in words], np.int64)
        target = os.path.join(model_dir, served_model.WEIGHTS)
        fileio.makedirs(os.path.dirname(target))
        fileio.copy(path, target, overwrite=True)


def read(model_dir: str) -> Weights | None:
    """Reads the weights file of an exported model; None if it is missing, or of an old format."""
    source = os.path.join(model_dir, served_model.WEIGHTS)
    if not fileio.exists(source):
        return None
    with tempfile.TemporaryDirectory() as local:
        path = os.path.join(local, "weights.h5")
        fileio.copy(source, path)
        with h5py.File(path, "r") as file:
            if "meaning" not in file.attrs:
                return None
            datasets = dict(_datasets(file["variables"]))
            return Weights(
                variables={name: dataset[()] for name, dataset in datasets.items()},
                tables={
                    name: dataset.attrs["feature"]
                    for name, dataset in datasets.items()
                    if "feature" in dataset.attrs
                },
                vocabularies={
                    name: _read_vocabulary(group)
                    for name, group in file.get("vocabularies", {}).items()
                },
                meaning=json.loads(file.attrs["meaning"]),
                label_scale=LabelScale(*map(float, file.attrs["label_scale"])),
            )


def start_from(
    base_model: str, model: keras.Model, features: Sequence[Feature], dataset: Dataset
) -> None:
    """Assigns the weights of the served model to a network where they fit, and logs the others.

    A weight fits if the variable of the same path has the same shape. A vocabulary may have changed
    with the data: the vector of a value moves with the value to its new code, and new values start
    at random.

    Args:
        base_model: Folder of the served model.
        model: The network to train.
        features: Its inputs.
        dataset: The description of its data.
    """
    if not fileio.exists(os.path.join(base_model, served_model.WEIGHTS)):
        logger.info("Trained from zero: no model is being served")
        return
    new = Weights.of(model, features, dataset, LabelScale())
    served = read(base_model) or _read_0_1(base_model, new)
    if served is None or served.meaning != new.meaning:
        logger.info("Trained from zero: label or features of the served model are others")
        return
    taken, left, unknown = 0, [], []
    for path, variable in _variables(model).items():
        value = served.variables.get(path)
        if value is not None and (path in new.tables or path in served.tables):
            value = _moved_rows(path, new, served)
        if value is None and _values_unknown(path, new, served):
            unknown.append(path)
        elif value is None or value.shape != tuple(variable.shape):
            left.append(path)
        else:
            variable.assign(value)
            taken += 1
    if not taken:
        logger.info("Trained from zero: no weight of the served model fits by name and shape")
        return
    random = ""
    for reason, paths in (
        ("their shape or name is new", left),
        ("the values behind their codes are not known", unknown),
    ):
        random += f"; at random, for {reason}: {_join_names(paths)}" if paths else ""
    logger.info(
        "Started from the weights of the model being served: %d of %d%s",
        taken,
        taken + len(left) + len(unknown),
        random,
    )
    for name, words in new.vocabularies.items():
        if name not in new.tables.values() and words != served.vocabularies.get(name):
            logger.info(
                "The values of %s have other codes now, and the network has no vector for each of "
                "them to move: what it had learned of them has to be learned anew",
                name,
            )


def _read_0_1(model_dir: str, new: Weights) -> Weights | None:
    """Reads the weights of a model that version 0.1 pushed, under their paths in `new`.

    Keras wrote that file, by layer, and without names for the variables of a layer. Layers, inputs
    and the order of both are those of the network that is shipped today.

    Args:
        model_dir: Folder of the model.
        new: The weights of the network to train.

    Returns:
        None if the file is not of 0.1, or the inputs of its network differ.
    """
    with tempfile.TemporaryDirectory() as local:
        path = os.path.join(local, "weights.h5")
        fileio.copy(os.path.join(model_dir, served_model.WEIGHTS), path)
        with h5py.File(path, "r") as file:
            groups = {name: group["vars"] for name, group in file.get("layers", {}).items()}
            names = {name: str(group.attrs.get("name", "")) for name, group in groups.items()}
            layers = {
                alias: [group[str(number)][()] for number in range(len(group))]
                for name, group in groups.items()
                for alias in (name, names[name])  # only some layers have a name of their own
            }
    config = served_model.read_json(model_dir, served_model.CONFIG) or {}
    described = config.get("dataset", {})
    inputs = {name for group, name in names.items() if group.startswith("input_layer")}
    meaning = cast("dict[str, Any]", new.meaning)
    if inputs != {name for name, *_ in meaning["inputs"]} or any(
        described.get(key) != meaning[key] for key in ("task", "label")
    ):
        return None
    variables, counts = {}, Counter[str]()
    for path in new.variables:  # in the order in which Keras made them
        layer = path.split("/")[-2]
        values = layers.get(layer, [])
        if counts[layer] < len(values):
            variables[path] = values[counts[layer]]
        counts[layer] += 1
    by_column = vocabularies(os.path.join(model_dir, "assets"))
    return Weights(
        variables=variables,
        tables={path: name for path, name in new.tables.items() if path in variables},
        vocabularies={
            name: by_column[column]
            for name in new.vocabularies
            if (column := name.rpartition(".")[0]) in by_column
        },
        meaning=new.meaning,
        label_scale=LabelScale(),
    )


def _values_unknown(path: str, new: Weights, served: Weights) -> bool:
    """True for vectors of a feature in both networks without a vocabulary of this library.

    The meaning of its codes is not in the weights file, and may have changed with the data.
    """
    feature = new.tables.get(path)
    return (
        feature is not None
        and feature == served.tables.get(path)
        and not {feature} <= new.vocabularies.keys() & served.vocabularies.keys()
    )


def _moved_rows(path: str, new: Weights, served: Weights) -> np.ndarray | None:
    """Moves the served rows for missing and unknown values, and for words in both, to a new table.

    Returns:
        None if the tables are of different features, or if the values of the codes are unknown.
    """
    rows, served_rows = new.variables[path].copy(), served.variables[path]
    feature = new.tables.get(path, "")
    words, served_words = (w.vocabularies.get(feature) for w in (new, served))
    if (
        served.tables.get(path) != feature
        or rows.shape[1:] != served_rows.shape[1:]
        or words is None
        or served_words is None
    ):
        return None
    rows[:FIRST_WORD_CODE] = served_rows[:FIRST_WORD_CODE]
    served_codes = {word: code for code, word in enumerate(served_words, start=FIRST_WORD_CODE)}
    for code, word in enumerate(words, start=FIRST_WORD_CODE):
        if word in served_codes:
            rows[code] = served_rows[served_codes[word]]
    return rows


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Variables by path; several with the same path, as in subclasses, get a number."""
    variables: dict[str, keras.Variable] = {}
    for variable in model.weights:
        path, number = variable.path, 1
        while path in variables:
            number += 1
            path = f"{variable.path}:{number}"
        variables[path] = variable
    return variables


def _tables(model: keras.Model, features: Sequence[Feature]) -> dict[str, str]:
    """Finds the variables that are tables of codes that depend on the data: path to feature.

    It needs no convention for names: a gradient touches the rows of the codes in the input.
    """
    coded = [feature for feature in features if feature.codes is not None and not feature.fixed]
    values = {path: variable.value for path, variable in _variables(model).items()}
    rows = random_rows(features)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(values.values()))
        total = tf.reduce_sum(predict(model, features, rows))
    tables = {}
    for path, gradient in tape.gradient(total, values).items():
        if isinstance(gradient, tf.IndexedSlices):
            looked_up = gradient.indices.numpy()
            for feature in coded:
                # As often as the network looks them up.
                if np.array_equal(looked_up, np.resize(rows[feature.name], looked_up.shape)):
                    tables[path] = feature.name
    return tables


def _datasets(group: h5py.Group, path: str = "") -> Iterator[tuple[str, h5py.Dataset]]:
    for name, item in group.items():
        if isinstance(item, h5py.Dataset):
            yield path + name, item
        else:
            yield from _datasets(item, f"{path}{name}/")


def _read_vocabulary(group: h5py.Group) -> Vocabulary:
    content = group["bytes"][()].tobytes()
    ends = np.cumsum(group["lengths"][()])
    return tuple(
        content[end - length : end] for end, length in zip(ends, group["lengths"][()], strict=True)
    )


def _join_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more

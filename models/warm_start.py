"""Starting from the weights of the model that is being served, instead of from random ones."""

from __future__ import annotations

import dataclasses
import logging
import os

import keras
import tensorflow_transform as tft
from tfx.dsl.io import fileio

from components import served_model
from models.export import load_weights, read_json
from models.features import FIRST_WORD_CODE, Feature, model_features
from models.network import EMBEDDING, UNITS, build_model
from models.settings import TrainerConfig

logger = logging.getLogger("models.training")


def load(
    model: keras.Model,
    base_model: str,
    config: TrainerConfig,
    transform_output: tft.TFTransformOutput,
) -> None:
    """Takes over the weights of the served model if they mean the same, and says so if not.

    A vocabulary may have changed with the data: what was learned of a value goes with the value to
    its new code, and values that are new start at random.
    """
    used = read_json(base_model, served_model.CONFIG)
    if used is None:
        logger.info("Trained from zero: no model is being served")
        return
    if any(used[part] != config.to_json()[part] for part in ("dataset", "model")):
        logger.info("Trained from zero: columns or architecture of the served model are others")
        return
    features = model_features(config.dataset, transform_output)
    words = {EMBEDDING + f.name: _served_vocabulary(base_model, f.name) for f in features}
    base = build_model(config.dataset, [_as_served(f, words) for f in features], config.model)
    try:
        load_weights(base, base_model)
    except ValueError as error:  # weights of an earlier version of models/network.py
        logger.info("Trained from zero: the served model's weights do not fit: %s", error)
        return
    for old, new in zip(base.layers, model.layers, strict=True):
        if served_words := words.get(new.name):
            feature = new.name.removeprefix(EMBEDDING)
            _move_rows(old, new, served_words, transform_output.vocabulary_by_name(feature))
        elif new.name != UNITS:  # those are of the data, and known already
            new.set_weights(old.get_weights())
    logger.info("Started from the weights of the model being served")


def _as_served(feature: Feature, words: dict[str, list[bytes]]) -> Feature:
    served_words = words[EMBEDDING + feature.name]
    codes = FIRST_WORD_CODE + len(served_words) if served_words else feature.codes
    return dataclasses.replace(feature, codes=codes)


def _move_rows(
    old: keras.layers.Embedding,
    new: keras.layers.Embedding,
    old_words: list[bytes],
    new_words: list[bytes],
) -> None:
    """Copies the rows for missing and unknown values, and those of the words that both know."""
    (old_rows,), (new_rows,) = old.get_weights(), new.get_weights()
    new_rows[:FIRST_WORD_CODE] = old_rows[:FIRST_WORD_CODE]
    code = {word: FIRST_WORD_CODE + i for i, word in enumerate(old_words)}
    for i, word in enumerate(new_words):
        if word in code:
            new_rows[FIRST_WORD_CODE + i] = old_rows[code[word]]
    new.set_weights([new_rows])


def _served_vocabulary(base_model: str, name: str) -> list[bytes]:
    """The words that tf.Transform wrote for a categorical column; none for other features."""
    path = os.path.join(base_model, "assets", name)
    if not fileio.exists(path):
        return []
    with fileio.open(path, "rb") as file:
        return file.read().splitlines()

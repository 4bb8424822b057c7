"""Starting from the weights of the model that is being served, instead of from random ones."""

from __future__ import annotations

import dataclasses
import logging
import os

import keras
import tensorflow_transform as tft

from models.network import EMBEDDING, UNITS, build_model
from tfxkit.config.settings import TrainerConfig
from tfxkit.features.model_inputs import FIRST_WORD_CODE, model_features, vocabularies
from tfxkit.storage import served_model
from tfxkit.training.export import load_weights, read_json

logger = logging.getLogger("models.training")

Words = tuple[bytes, ...]


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
    served_features = []
    words: dict[str, tuple[Words, Words]] = {}  # by layer: what was known, what is
    served_words = vocabularies(os.path.join(base_model, "assets"))
    for feature in model_features(transform_output):
        codes = feature.codes
        if feature.vocabulary is not None:
            known = served_words.get(feature.name, ())
            words[EMBEDDING + feature.name] = (known, feature.vocabulary)
            codes = FIRST_WORD_CODE + len(known)
        served_features.append(dataclasses.replace(feature, codes=codes))
    base = build_model(config.dataset, served_features, config.model)
    try:
        load_weights(base, base_model)
    except ValueError as error:  # weights of an earlier version of models/network.py
        logger.info("Trained from zero: the served model's weights do not fit: %s", error)
        return
    for old, new in zip(base.layers, model.layers, strict=True):
        if new.name in words:
            _move_rows(old.embeddings, new.embeddings, *words[new.name])
        elif new.name != UNITS:  # those are of the data, and known already
            new.set_weights(old.get_weights())
    logger.info("Started from the weights of the model being served")


def _move_rows(
    old: keras.Variable, new: keras.Variable, old_words: Words, new_words: Words
) -> None:
    """Copies the rows for missing and unknown values, and those of the words that both know."""
    old_rows, new_rows = old.numpy(), new.numpy().copy()
    new_rows[:FIRST_WORD_CODE] = old_rows[:FIRST_WORD_CODE]
    old_codes = {word: FIRST_WORD_CODE + i for i, word in enumerate(old_words)}
    for code, word in enumerate(new_words, start=FIRST_WORD_CODE):
        if word in old_codes:
            new_rows[code] = old_rows[old_codes[word]]
    new.assign(new_rows)

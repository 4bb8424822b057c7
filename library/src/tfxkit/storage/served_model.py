"""The layout of a pushed version: `<serving dir>/<version>/`, with its own past inside.

A version is a SavedModel with, under `assets.extra/`, what is needed to compare with it, to start
from it and to explain it, without a metadata service. The Trainer writes all but the statistics,
the Pusher adds those and the spans. A version without any of `REQUIRED` does not exist for anybody.
"""

from __future__ import annotations

import json
import os
from typing import Any

from tfxkit.storage.filesystems import fileio

__all__ = ["columns"]

EXTRA = "assets.extra"
FINGERPRINT = f"{EXTRA}/fingerprint"  # text: what makes two models the same model
SCHEMA = f"{EXTRA}/schema.pbtxt"  # the schema that the training data was held to
CONFIG = f"{EXTRA}/config.json"  # what run_fn was given: {"dataset": …, "model": …, "train": …}
FEATURES = f"{EXTRA}/features.json"  # {"features": […], "columns": […]}: those, made of these
WEIGHTS = f"{EXTRA}/model.weights.h5"  # see tfxkit.training.weights
TRAINING = f"{EXTRA}/training.json"  # {"epochs", "best_epoch", "seconds", "history": {…}}
STATISTICS = f"{EXTRA}/statistics"  # Split-<name>/FeatureStats.pb of the training data
RESTORED = f"{EXTRA}/restored.json"  # {"version"}: of which a rollback made this copy
SPANS = f"{EXTRA}/spans.json"  # a list: those that the training data came from, where it says so
REQUIRED = ("saved_model.pb", FINGERPRINT, SCHEMA, CONFIG, WEIGHTS, STATISTICS)

# Custom properties of artifacts. Of Baseline's copy of a model: the version that it is a copy of.
SERVED_VERSION = "served_version"
# Of a `PushedModel`, the first three by TFX: 1 if pushed, folder of the version, its name.
PUSHED, PUSHED_DESTINATION = "pushed", "pushed_destination"
PUSHED_VERSION = "pushed_version"
ADOPTED = "adopted"  # 1 if the model was being served already


def versions(serving_dir: str) -> list[int]:
    """The folders that a model server takes for versions, whole or not, oldest first."""
    names = _children(serving_dir) if fileio.exists(serving_dir) else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def complete_versions(serving_dir: str) -> list[int]:
    """The versions that are whole, oldest first; none if the folder does not exist."""
    return [
        version
        for version in versions(serving_dir)
        if is_complete(os.path.join(serving_dir, str(version)))
    ]


def is_complete(version_dir: str) -> bool:
    """True if a version has everything that belongs to it."""
    return not missing(version_dir)


def missing(version_dir: str) -> list[str]:
    """The required parts that a version lacks."""
    return [name for name in REQUIRED if not fileio.exists(os.path.join(version_dir, name))]


def newest_version(serving_dir: str) -> str | None:
    """The folder of the version being served, or None if nothing is."""
    complete = complete_versions(serving_dir)
    return os.path.join(serving_dir, str(complete[-1])) if complete else None


def read_json(version_dir: str, name: str) -> dict[str, Any] | None:
    """Reads one of the JSON files of a model's folder; None if it is not there."""
    path = os.path.join(version_dir, name)
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return json.loads(file.read())


def fingerprint(version_dir: str) -> str:
    """The fingerprint of the model in a folder of this layout."""
    with fileio.open(os.path.join(version_dir, FINGERPRINT), "r") as file:
        return file.read().strip()


def origin(version_dir: str) -> int:
    """The version in which the model was pushed: this one, or the one that it was restored from."""
    path = os.path.join(version_dir, RESTORED)
    if not fileio.exists(path):
        return int(os.path.basename(version_dir))
    with fileio.open(path, "r") as file:
        return int(json.loads(file.read())["version"])


def columns(version_dir: str) -> tuple[str, ...]:
    """The raw columns that the model needs."""
    path = os.path.join(version_dir, FEATURES)
    if fileio.exists(path):
        with fileio.open(path, "r") as file:
            return tuple(json.loads(file.read())["columns"])
    # Pushed before there were features of the owner's.
    with fileio.open(os.path.join(version_dir, CONFIG), "r") as file:
        described = json.loads(file.read())["dataset"]["columns"]
    return tuple(name for name, column in described.items() if column["role"] != "ignored")


def _children(folder: str) -> list[str]:
    # Object stores end the names of folders with a slash.
    return [os.fsdecode(name).rstrip("/") for name in fileio.listdir(folder)]

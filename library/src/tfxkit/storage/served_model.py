"""Layout of a pushed version: `<serving dir>/<version>/`, with its own past inside.

A version is a SavedModel with files under `assets.extra/` for comparison, warm start and lineage,
without a metadata service. The Trainer writes all but the statistics, the spans and the reading,
which the Pusher adds. A version that lacks any of `REQUIRED` counts as missing everywhere.
"""

from __future__ import annotations

import json
import os
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.data import CsvFormat
from tfxkit.storage.filesystems import fileio
from tfxkit.values.reading import Reading

__all__ = ["columns"]

EXTRA = "assets.extra"
FINGERPRINT = f"{EXTRA}/fingerprint"  # text: the same for two equal models
SCHEMA = f"{EXTRA}/schema.pbtxt"  # the schema of the training data
CONFIG = f"{EXTRA}/config.json"  # arguments of run_fn: {"dataset": …, "model": …, "train": …}
FEATURES = f"{EXTRA}/features.json"  # {"features": […], "columns": […]}: features and their columns
WEIGHTS = f"{EXTRA}/model.weights.h5"  # see tfxkit.training.weights
TRAINING = f"{EXTRA}/training.json"  # {"epochs", "best_epoch", "seconds", "history": {…}}
STATISTICS = f"{EXTRA}/statistics"  # Split-<name>/FeatureStats.pb of the training data
RESTORED = f"{EXTRA}/restored.json"  # {"version"}: the original of a copy that a rollback made
SPANS = f"{EXTRA}/spans.json"  # a list: the spans of the training data, if they are recorded
READING = f"{EXTRA}/reading.json"  # reading of the training data's values; none in models of 0.2
REQUIRED = ("saved_model.pb", FINGERPRINT, SCHEMA, CONFIG, WEIGHTS, STATISTICS)

# Custom properties of artifacts. Of Baseline's copy of a model: the original version.
SERVED_VERSION = "served_version"
# Of a `PushedModel`, the first three by TFX: 1 if pushed, folder of the version, its name.
PUSHED, PUSHED_DESTINATION = "pushed", "pushed_destination"
PUSHED_VERSION = "pushed_version"
ADOPTED = "adopted"  # 1 if the model was being served already


def versions(serving_dir: str) -> list[int]:
    """Versions that a model server finds, complete or not, oldest first."""
    names = _children(serving_dir) if fileio.exists(serving_dir) else []
    return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def complete_versions(serving_dir: str) -> list[int]:
    """Complete versions, oldest first; none if the folder does not exist."""
    return [
        version
        for version in versions(serving_dir)
        if is_complete(os.path.join(serving_dir, str(version)))
    ]


def is_complete(version_dir: str) -> bool:
    """True if a version has all required parts."""
    return not missing(version_dir)


def missing(version_dir: str) -> list[str]:
    """Required parts that a version lacks."""
    return [name for name in REQUIRED if not fileio.exists(os.path.join(version_dir, name))]


def newest_version(serving_dir: str) -> str | None:
    """Folder of the served version; None if no model is served."""
    complete = complete_versions(serving_dir)
    return os.path.join(serving_dir, str(complete[-1])) if complete else None


def read_json(version_dir: str, name: str) -> dict[str, Any] | None:
    """Reads a JSON file in a model's folder; None if it does not exist."""
    path = os.path.join(version_dir, name)
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return json.loads(file.read())


def csv_format(version_dir: str) -> CsvFormat:
    """Format of CSV files of the training data."""
    config = read_json(version_dir, CONFIG) or {}
    return CsvFormat.model_validate(config.get("csv", {}))


def reading(version_dir: str) -> Reading:
    """Reading of the training data, for rows to predict.

    A model of before readings existed gets one by the rules of its time.
    """
    if stored := read_json(version_dir, READING):
        return Reading.model_validate(stored)
    with fileio.open(os.path.join(version_dir, SCHEMA), "r") as file:
        schema = text_format.Parse(file.read(), schema_pb2.Schema())
    return Reading.of(schema, csv_format(version_dir), rules=1)


def fingerprint(version_dir: str) -> str:
    """Fingerprint of the model in a folder of this layout."""
    with fileio.open(os.path.join(version_dir, FINGERPRINT), "r") as file:
        return file.read().strip()


def origin(version_dir: str) -> int:
    """Version in which the model was pushed: this one, or the original of a restored copy."""
    path = os.path.join(version_dir, RESTORED)
    if not fileio.exists(path):
        return int(os.path.basename(version_dir))
    with fileio.open(path, "r") as file:
        return int(json.loads(file.read())["version"])


def columns(version_dir: str) -> tuple[str, ...]:
    """Raw columns that the model needs."""
    path = os.path.join(version_dir, FEATURES)
    if fileio.exists(path):
        with fileio.open(path, "r") as file:
            return tuple(json.loads(file.read())["columns"])
    # Pushed by a version without features of the owner's.
    with fileio.open(os.path.join(version_dir, CONFIG), "r") as file:
        described = json.loads(file.read())["dataset"]["columns"]
    return tuple(name for name, column in described.items() if column["role"] != "ignored")


def _children(folder: str) -> list[str]:
    # Object stores end the names of folders with a slash.
    return [os.fsdecode(name).rstrip("/") for name in fileio.listdir(folder)]

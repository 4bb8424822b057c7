"""Promises that hold after every bad day: one place for all cases."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import tensorflow as tf

from tfxkit.runs.metadata import RunMetadata
from tfxkit.runs.outputs import Outputs
from tfxkit.storage import served_model

Served = dict[str, str]


def served(outputs: Outputs) -> Served:
    """Version -> digest of all that is in it; what is hidden is no version for anybody."""
    folders = outputs.serving.iterdir() if outputs.serving.exists() else ()
    return {path.name: _digest(path) for path in folders if not path.name.startswith(".")}


def assert_unharmed(outputs: Outputs, before: Served) -> None:
    """Checks that the served model is unchanged, byte for byte, and that all metadata can be read.

    Args:
        outputs: Of the pipeline.
        before: What was served when the trouble began, and may have been added to since.
    """
    now = served(outputs)
    assert {version: now.get(version) for version in before} == before, "a version was touched"
    for version in now:
        assert served_model.is_complete(str(outputs.serving / version)), f"{version}: half-pushed"
    if outputs.metadata.exists():
        with contextlib.closing(sqlite3.connect(outputs.metadata)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for run in outputs.runs.iterdir():
            RunMetadata(outputs.metadata, run.name).states()


def assert_nothing_left_over(outputs: Outputs) -> None:
    """After a push that went well, not even hidden remains of one that did not."""
    names = {path.name for path in outputs.serving.iterdir()} - {".push.lock"}
    assert all(name.isdigit() for name in names), names


def assert_loadable(outputs: Outputs) -> None:
    """The newest version is loaded as a model server does, and has what it is asked for."""
    version = served_model.newest_version(str(outputs.serving))
    assert version is not None
    assert "serving_default" in tf.saved_model.load(version).signatures


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()

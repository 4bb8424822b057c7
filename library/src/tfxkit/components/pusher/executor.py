"""Decides whether there is something to push, and reports it in the output artifact."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from typing import Any

from tfx import types
from tfx.components.pusher import executor as tfx_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfxkit.components.pusher.publish import publish
from tfxkit.errors import ModelError
from tfxkit.storage import examples_artifact, served_model
from tfxkit.storage.filesystems import fileio

logger = logging.getLogger("tfxkit.components.pusher")

Artifacts = dict[str, list[types.Artifact]]


class Executor(tfx_executor.Executor):
    """See `tfxkit.components.pusher.component.VersionPusher`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Pushes, adopts or leaves alone.

        Raises:
            ModelError: If the model lacks a part of a version, or the folder cannot be written to.
        """
        pushed_model = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            logger.info("The model is not blessed, so it is not pushed.")
            self._MarkNotPushed(pushed_model)
            return
        model_dir = self.GetModelPath(input_dict)
        files = _version_files(model_dir, artifact_utils.get_single_uri(input_dict["statistics"]))
        with tempfile.TemporaryDirectory() as folder:
            if input_dict.get("examples"):
                files[served_model.SPANS] = _spans_file(input_dict["examples"][0], folder)
            pushed = publish(files, exec_properties["serving_dir"])
        if pushed.adopted:
            pushed_model.set_int_custom_property(served_model.ADOPTED, 1)
            logger.info("This model is the one being served: %s.", pushed.path)
        else:
            logger.info("The model is pushed to %s.", pushed.path)
        io_utils.copy_dir(model_dir, pushed_model.uri)
        self._MarkPushed(pushed_model, pushed.path, os.path.basename(pushed.path))


def _spans_file(examples: types.Artifact, folder: str) -> str:
    path = os.path.join(folder, os.path.basename(served_model.SPANS))
    io_utils.write_string_file(path, json.dumps(examples_artifact.spans(examples)))
    return path


def _version_files(model_dir: str, statistics_dir: str) -> dict[str, str]:
    """What a version is made of: path inside the version -> where it is copied from."""
    files = dict(_walk(model_dir))
    for name, source in _walk(statistics_dir):
        files[f"{served_model.STATISTICS}/{name}"] = source
    missing = [
        part
        for part in served_model.REQUIRED
        if not any(name == part or name.startswith(f"{part}/") for name in files)
    ]
    if missing:
        raise ModelError(
            f"The model in {model_dir} cannot be pushed: it lacks {', '.join(missing)}.\n"
            "A version without them could not be compared with or started from. The Trainer's "
            "run_fn has to write them; the statistics come from StatisticsGen."
        )
    return files


def _walk(folder: str) -> list[tuple[str, str]]:
    return [
        (os.path.relpath(os.path.join(parent, name), folder), os.path.join(parent, name))
        for parent, _, names in fileio.walk(folder)
        for name in names
    ]

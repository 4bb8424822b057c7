"""VersionPusher: TFX's Pusher for versions that carry the statistics of their data."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from typing import Any, ClassVar

from tfx import types
from tfx.components import Pusher
from tfx.components.pusher import executor as tfx_executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import (
    artifact_utils,
    channel,
    component_spec,
    standard_artifacts,
    standard_component_specs,
)
from tfx.utils import io_utils

from tfxkit.components.pusher.publishing import publish
from tfxkit.errors import ModelError
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import READING, span_numbers
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash, never_cached

logger = logging.getLogger("tfxkit.components.pusher")

Artifacts = dict[str, list[types.Artifact]]


class VersionPusherSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of `VersionPusher`."""

    PARAMETERS: ClassVar = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        **standard_component_specs.PusherSpec.INPUTS,
        "examples": component_spec.ChannelParameter(
            type=standard_artifacts.Examples, optional=True
        ),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }
    OUTPUTS: ClassVar = standard_component_specs.PusherSpec.OUTPUTS


class VersionPusherExecutor(tfx_executor.Executor):
    """Pushes a blessed model, unless it is served already, and records it in the artifact."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Pushes, adopts or skips the model.

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
                [examples] = input_dict["examples"]
                files[served_model.SPANS] = _spans_file(examples, folder)
                if fileio.exists(reading := os.path.join(examples.uri, READING)):
                    files[served_model.READING] = reading
            pushed = publish(files, exec_properties["serving_dir"])
        if pushed.adopted:
            pushed_model.set_int_custom_property(served_model.ADOPTED, 1)
            logger.info("This model is the one being served: %s.", pushed.path)
        else:
            logger.info("The model is pushed to %s.", pushed.path)
        io_utils.copy_dir(model_dir, pushed_model.uri)
        self._MarkPushed(pushed_model, pushed.path, os.path.basename(pushed.path))


@never_cached  # a version removed from the serving folder must come back
class VersionPusher(Pusher):
    """Writes `<serving_dir>/<version>`: complete or absent, and no model twice in a row.

    The version holds the model's `Format-Serving` and, under `assets.extra/statistics`, the
    statistics of its training data, see `tfxkit.storage.served_model`. Its number is the time in
    unix seconds, or one more than the newest version if the clock is behind. If the newest version
    has the same fingerprint and reading, it is adopted and nothing is written, so running this step
    each time costs next to nothing.

    Outputs:
        pushed_model: `PushedModel`, a copy of the model. Custom properties of TFX's Pusher:
            `pushed` (0 or 1), `pushed_destination` and `pushed_version` (text); and `adopted=1` if
            the model was served already.
    """

    SPEC_CLASS = VersionPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(VersionPusherExecutor)

    def __init__(
        self,
        model: channel.BaseChannel,
        statistics: channel.BaseChannel,
        serving_dir: str,
        *,
        model_blessing: channel.BaseChannel | None = None,
        infra_blessing: channel.BaseChannel | None = None,
        examples: channel.BaseChannel | None = None,
    ) -> None:
        """Constructs the component, with the id `Pusher`.

        Args:
            model: `Model` of the Trainer, see `tfxkit.storage.served_model`.
            statistics: `ExampleStatistics` of the training data.
            serving_dir: Folder of versions: a local path, or an address like gs:// or s3://.
            model_blessing: `ModelBlessing`; only a blessed model is pushed.
            infra_blessing: `InfraBlessing`; only a blessed model is pushed.
            examples: `Examples` of the training, whose spans and reading the version records.
        """
        # Pusher's own constructor takes no further inputs.
        base_component.BaseComponent.__init__(
            self,
            VersionPusherSpec(
                model=model,
                examples=examples,
                statistics=statistics,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                serving_dir=serving_dir,
                code_hash=code_hash("tfxkit.components.pusher"),
                pushed_model=channel.Channel(type=standard_artifacts.PushedModel),
            ),
        )
        self.with_id("Pusher")


def _spans_file(examples: types.Artifact, folder: str) -> str:
    path = os.path.join(folder, os.path.basename(served_model.SPANS))
    io_utils.write_string_file(path, json.dumps(span_numbers(examples)))
    return path


def _version_files(model_dir: str, statistics_dir: str) -> dict[str, str]:
    """Sources of all files of a version, by their paths inside the version."""
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

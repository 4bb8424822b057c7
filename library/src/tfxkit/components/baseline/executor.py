"""Copies the served version into the run's artifacts, or marks them as absent."""

from __future__ import annotations

import json
import logging
import os
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from tfxkit.components.baseline.compatibility import incompatibility
from tfxkit.storage import examples_artifact, placeholders, served_model
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.statistics import split_names

logger = logging.getLogger("tfxkit.components.baseline")

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """See `tfxkit.components.baseline.component.Baseline`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes both outputs, whether there is a baseline or not."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        serving_dir = exec_properties["serving_dir"]
        version_dir = served_model.newest_version(serving_dir)
        if version_dir is None:
            reason = f"No model is served from {serving_dir} yet."
            logger.info(reason)
            return _write_absent(model, statistics, reason)
        version = os.path.basename(version_dir)
        why_not = incompatibility(
            version_dir, json.loads(exec_properties["dataset"]), _schema(input_dict)
        )
        if why_not is not None:
            reason = f"The served model {version} is no baseline: it {why_not}."
            logger.warning(reason)
            return _write_absent(model, statistics, reason)
        logger.info("The baseline is the served model %s.", version)
        return _write_served(model, statistics, version_dir)


def _schema(input_dict: Artifacts) -> schema_pb2.Schema | None:
    if not input_dict.get("schema"):
        return None
    uri = artifact_utils.get_single_uri(input_dict["schema"])
    return io_utils.parse_pbtxt_file(os.path.join(uri, "schema.pbtxt"), schema_pb2.Schema())


def _write_served(model: types.Artifact, statistics: types.Artifact, version_dir: str) -> None:
    io_utils.copy_dir(version_dir, path_utils.serving_model_dir(model.uri))
    model.set_string_custom_property(served_model.SERVED_VERSION, os.path.basename(version_dir))
    model.set_string_custom_property("fingerprint", served_model.fingerprint(version_dir))

    io_utils.copy_dir(os.path.join(version_dir, served_model.STATISTICS), statistics.uri)
    statistics.split_names = artifact_utils.encode_split_names(split_names(statistics.uri))
    spans = os.path.join(version_dir, served_model.SPANS)
    if fileio.exists(spans):  # versions have them since the data gate asks for them
        with fileio.open(spans, "r") as file:
            statistics.set_string_custom_property(examples_artifact.SPANS_PROPERTY, file.read())


def _write_absent(model: types.Artifact, statistics: types.Artifact, reason: str) -> None:
    statistics.split_names = artifact_utils.encode_split_names([])
    for artifact in (model, statistics):
        placeholders.mark(artifact, reason)

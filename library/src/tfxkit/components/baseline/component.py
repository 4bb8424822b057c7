"""Baseline: the served model and its statistics, for data gate, evaluation and warm start."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_driver, base_executor, executor_spec
from tfx.orchestration import data_types_utils, metadata
from tfx.orchestration.portable import base_driver as portable_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, channel, component_spec, standard_artifacts
from tfx.utils import io_utils, path_utils

from tfxkit.storage import served_model
from tfxkit.storage.artifacts import SPANS_PROPERTY, mark_absent, split_names
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash

logger = logging.getLogger("tfxkit.components.baseline")

Artifacts = dict[str, list[types.Artifact]]


class BaselineSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of `Baseline`."""

    PARAMETERS: ClassVar = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "dataset": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema, optional=True)
    }
    OUTPUTS: ClassVar = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }


class BaselineDriver(base_driver.BaseDriver, portable_driver.BaseDriver):
    """Adds the exec property `served` to the cache key: the newest version and its fingerprint.

    Otherwise the step, whose parameters never change, would always be cached: TFX's local cache
    compares node, parameters and input artifacts only. Kubeflow runs no drivers; there the step
    must not be cached (`cachingOptions` of the compiled pipeline).
    """

    def __init__(self, metadata_handle: metadata.Metadata) -> None:
        """Constructs both bases: the compiler requires the first, the launcher the second."""
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Runs before the cache lookup of the launcher."""
        served = _served(execution_info.exec_properties)
        result = driver_output_pb2.DriverOutput()
        data_types_utils.set_metadata_value(result.exec_properties["served"], served)
        return result


class BaselineExecutor(base_executor.BaseExecutor):
    """Copies the served version into the artifacts, or marks these as absent."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes both outputs, also without a baseline."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        serving_dir = exec_properties["serving_dir"]
        version_dir = served_model.newest_version(serving_dir)
        if version_dir is None:
            reason = f"No model is served from {serving_dir} yet."
            logger.info(reason)
            return _write_absent(model, statistics, reason)
        version = os.path.basename(version_dir)
        difference = incompatibility(
            version_dir, json.loads(exec_properties["dataset"]), _schema(input_dict)
        )
        if difference is not None:
            reason = f"The served model {version} is no baseline: it {difference}."
            logger.warning(reason)
            return _write_absent(model, statistics, reason)
        logger.info("The baseline is the served model %s.", version)
        return _write_served(model, statistics, version_dir)


class Baseline(base_component.BaseComponent):
    """Copies the served version and the statistics of its training data into artifacts.

    It reads the folder of the Pusher, so it needs no metadata service. A served model with another
    label or task, or with a feature that today's schema lacks or has with another type, counts as
    none.

    Outputs:
        model: `Model` with the version as `Format-Serving`. Custom properties `served_version` and
            `fingerprint`, or, without a baseline, `tfx_absent=1` and `reason` (one sentence).
        statistics: `ExampleStatistics` of StatisticsGen, or `tfx_absent=1`.

    An absent artifact holds one file, `ABSENT`, with the reason: object stores have no empty
    folders.
    """

    SPEC_CLASS = BaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(BaselineExecutor)
    DRIVER_CLASS = BaselineDriver

    def __init__(
        self,
        serving_dir: str,
        dataset: Mapping[str, Any],
        schema: channel.BaseChannel | None = None,
    ) -> None:
        """Constructs the component.

        Args:
            serving_dir: Folder of pushed versions; it need not exist.
            dataset: `Dataset.for_model()`: today's label, task and columns.
            schema: Today's `Schema`. Without it, features are not compared.
        """
        super().__init__(
            BaselineSpec(
                serving_dir=serving_dir,
                dataset=json.dumps(dataset, sort_keys=True),
                code_hash=code_hash("tfxkit.components.baseline"),
                schema=schema,
                model=channel.Channel(type=standard_artifacts.Model),
                statistics=channel.Channel(type=standard_artifacts.ExampleStatistics),
            )
        )


def incompatibility(
    version_dir: str, dataset: Mapping[str, Any], schema: schema_pb2.Schema | None
) -> str | None:
    """Difference that prevents a comparison of a served version with a model of today's dataset.

    Args:
        version_dir: A complete version, see `tfxkit.storage.served_model`.
        dataset: Today's `Dataset.for_model()`.
        schema: Schema of today's data; None to compare no features.

    Returns:
        End of a sentence that begins with the version; None if the models are comparable.
    """
    try:
        served, served_schema = _dataset_and_schema(version_dir)
    except (ValueError, KeyError, TypeError, text_format.ParseError) as error:
        return f"does not say what it was trained on: {error!r}"
    if served["task"] != dataset["task"]:
        return f"solves another task: {served['task']}, not {dataset['task']}"
    if _set_options(served["label"]) != _set_options(dataset["label"]):
        then, now = (json.dumps(_set_options(each["label"])) for each in (served, dataset))
        return f"predicts another label: {then}, not {now}"
    needed = served_model.columns(version_dir)
    return None if schema is None else _feature_change(needed, served_schema, schema)


def _served(exec_properties: dict[str, Any]) -> str:
    newest = served_model.newest_version(exec_properties["serving_dir"])
    if newest is None:
        return "none"
    return f"{os.path.basename(newest)}:{served_model.fingerprint(newest)}"


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
    if fileio.exists(spans):  # not in versions from before the data gate
        with fileio.open(spans, "r") as file:
            statistics.set_string_custom_property(SPANS_PROPERTY, file.read())


def _write_absent(model: types.Artifact, statistics: types.Artifact, reason: str) -> None:
    statistics.split_names = artifact_utils.encode_split_names([])
    for artifact in (model, statistics):
        mark_absent(artifact, reason)


def _dataset_and_schema(version_dir: str) -> tuple[dict[str, Any], schema_pb2.Schema]:
    with fileio.open(os.path.join(version_dir, served_model.CONFIG), "r") as file:
        dataset = json.loads(file.read())["dataset"]
    with fileio.open(os.path.join(version_dir, served_model.SCHEMA), "r") as file:
        schema = text_format.Parse(file.read(), schema_pb2.Schema())
    if missing := {"task", "label", "columns"} - dataset.keys():
        raise KeyError(*sorted(missing))
    return dataset, schema


def _set_options(label: Mapping[str, Any]) -> dict[str, Any]:
    """Options that are set, so that an option of a later release changes no label.

    `negative` only says which other values are refused: the prediction is that of `positive`.
    """
    options = {key: value for key, value in sorted(label.items()) if key != "negative"}
    return {key: value for key, value in options.items() if value not in (None, [], "")}


def _feature_change(
    needed: Iterable[str], then: schema_pb2.Schema, now: schema_pb2.Schema
) -> str | None:
    types_then = {feature.name: feature.type for feature in then.feature}
    types_now = {feature.name: feature.type for feature in now.feature}
    for name in sorted(needed):
        if name not in types_now:
            return f"needs the feature {name!r}, which the schema has no more"
        if types_then.get(name, types_now[name]) != types_now[name]:
            before, after = map(schema_pb2.FeatureType.Name, (types_then[name], types_now[name]))
            return f"needs the feature {name!r} as {before}, which is {after} in the schema"
    return None

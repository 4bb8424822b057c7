"""The driver of SpanExampleGen: puts spans and fingerprint into the cache key and the artifact."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format, struct_pb2
from tfx.components.example_gen import driver, utils
from tfx.orchestration.portable import data_types
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from tfxkit.components.example_gen import reader, spans
from tfxkit.components.example_gen.reader import Reader
from tfxkit.storage.examples_artifact import SPANS_PROPERTY, VERSIONS_PROPERTY

# What `resolve` finds and TFX does not put on the artifact.
LISTS = frozenset({SPANS_PROPERTY, VERSIONS_PROPERTY})


class SpanDriver(driver.FileBasedDriver):
    """Resolves the spans before the cache is asked."""

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """As `resolve`, where TFX's driver calls it."""
        del pipeline_info, component_info
        return resolve(exec_properties)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """As TFX's, which sets span, version and fingerprint on the artifact, and the lists too."""
        result = super().run(execution_info)
        for examples in result.output_artifacts[specs.EXAMPLES_KEY].artifacts:
            for name in LISTS & result.exec_properties.keys():
                examples.custom_properties[name].CopyFrom(result.exec_properties[name])
        return result


def resolve(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Finds the spans of a run, and a fingerprint of their content; needs no metadata store.

    The cache compares exec properties (tfx 1.21, orchestration/portable/cache_utils.py), so other
    spans or another content are another execution, and the same ones are not.

    Args:
        exec_properties: As SpanExampleGen sets them; the range may also be in the words that
            `spans.range_config` takes, for it can be given to a run as a parameter.

    Returns:
        The same with `spans`, `span` (the newest), their `versions` and its `version` (None where
        there are none) and `input_fingerprint`. The range has become a static one, so that the
        executor reads these spans and versions even if a newer one comes meanwhile.

    Raises:
        DataError: If spans are missing, or cannot be read.
    """
    text = exec_properties[specs.RANGE_CONFIG_KEY]
    wanted = (
        proto_utils.json_to_proto(text, range_config_pb2.RangeConfig())
        if text.startswith("{")
        else spans.range_config(text)
    )
    numbers: tuple[int, ...]
    versions: tuple[int | None, ...]
    if source := reader_of(exec_properties):
        chosen = source.select(wanted)
        numbers, versions = tuple(chosen), (None,) * len(chosen)
        fingerprint = reader.fingerprint(chosen)
    else:
        base = exec_properties[specs.INPUT_BASE_KEY]
        selection = spans.select(base, wanted, settled_versions(exec_properties))
        numbers, versions = selection.spans, selection.versions
        fingerprint = spans.fingerprint(selection)
    static = range_config_pb2.RangeConfig(
        static_range=range_config_pb2.StaticRange(
            start_span_number=numbers[0], end_span_number=numbers[-1]
        )
    )
    any_version = any(version is not None for version in versions)
    return {
        **exec_properties,
        specs.RANGE_CONFIG_KEY: proto_utils.proto_to_json(static),
        SPANS_PROPERTY: json.dumps(numbers),
        VERSIONS_PROPERTY: json.dumps(versions) if any_version else None,
        utils.SPAN_PROPERTY_NAME: numbers[-1],
        utils.VERSION_PROPERTY_NAME: versions[-1],
        utils.FINGERPRINT_PROPERTY_NAME: fingerprint,
    }


def reader_of(exec_properties: dict[str, Any]) -> Reader | None:
    """The project's own source of the data; None if it is files."""
    config = custom_config(exec_properties)
    if not config["reader"]:
        return None
    path, options = exec_properties[specs.INPUT_BASE_KEY], json.loads(config["reader_options"])
    return Reader(config["reader"], path, options)


def custom_config(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """The settings of SpanExampleGen that TFX's FileBasedExampleGen has no parameter for."""
    custom = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[specs.CUSTOM_CONFIG_KEY], custom)
    packed = struct_pb2.Struct()
    custom.custom_config.Unpack(packed)
    return json_format.MessageToDict(packed)


def settled_versions(exec_properties: dict[str, Any]) -> list[int | None] | None:
    """The version of each span, if `resolve` has found versions already."""
    found = exec_properties.get(VERSIONS_PROPERTY)
    return json.loads(found) if found else None

"""The driver of SpanExampleGen: puts spans and fingerprint into the cache key and the artifact."""

from __future__ import annotations

import json
from typing import Any

from tfx.components.example_gen import driver, utils
from tfx.orchestration.portable import data_types
from tfx.proto import range_config_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from components.example_gen.spans import fingerprint, range_config, select
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
    """Looks which spans there are and what is in them; needs no metadata store.

    The cache compares exec properties (tfx 1.21, orchestration/portable/cache_utils.py), so other
    spans or other files are another execution, and the same ones are not.

    Args:
        exec_properties: As SpanExampleGen sets them; the range may also be in the words that
            `spans.range_config` takes, for it can be given to a run as a parameter.

    Returns:
        The same with `spans`, `span` (the newest), their `versions` and its `version` (None where
        there are none) and `input_fingerprint`. The range has become a static one, so that the
        executor reads these spans and versions even if a newer one comes meanwhile.

    Raises:
        DataError: If the spans are not there, or hold what cannot be read.
    """
    wanted = exec_properties[specs.RANGE_CONFIG_KEY]
    selection = select(
        exec_properties[specs.INPUT_BASE_KEY],
        proto_utils.json_to_proto(wanted, range_config_pb2.RangeConfig())
        if wanted.startswith("{")
        else range_config(wanted),
        settled_versions(exec_properties),
    )
    static = range_config_pb2.RangeConfig(
        static_range=range_config_pb2.StaticRange(
            start_span_number=selection.spans[0], end_span_number=selection.spans[-1]
        )
    )
    any_version = any(version is not None for version in selection.versions)
    return {
        **exec_properties,
        specs.RANGE_CONFIG_KEY: proto_utils.proto_to_json(static),
        SPANS_PROPERTY: json.dumps(selection.spans),
        VERSIONS_PROPERTY: json.dumps(selection.versions) if any_version else None,
        utils.SPAN_PROPERTY_NAME: selection.spans[-1],
        utils.VERSION_PROPERTY_NAME: selection.versions[-1],
        utils.FINGERPRINT_PROPERTY_NAME: fingerprint(selection),
    }


def settled_versions(exec_properties: dict[str, Any]) -> list[int | None] | None:
    """The version of each span, if `resolve` has found versions already."""
    found = exec_properties.get(VERSIONS_PROPERTY)
    return json.loads(found) if found else None

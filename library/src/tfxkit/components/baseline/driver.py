"""Puts what is served into the cache key of Baseline.

Without it a step whose parameters never change would be cached forever: TFX's local cache knows
node, parameters and input artifacts only. Kubeflow runs no drivers; there the step must not be
cached (`cachingOptions` of the compiled pipeline).
"""

from __future__ import annotations

import os
from typing import Any

from tfx.dsl.components.base import base_driver
from tfx.orchestration import data_types_utils, metadata
from tfx.orchestration.portable import base_driver as portable_driver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2

from tfxkit.storage import served_model


class Driver(base_driver.BaseDriver, portable_driver.BaseDriver):
    """Adds the exec property `served`: version and fingerprint of the newest complete version."""

    def __init__(self, metadata_handle: metadata.Metadata) -> None:
        """Constructs both bases: the compiler asks for the first, the launcher runs the second."""
        base_driver.BaseDriver.__init__(self, metadata_handle)
        portable_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Called by the launcher before it looks into the cache."""
        served = _served(execution_info.exec_properties)
        result = driver_output_pb2.DriverOutput()
        data_types_utils.set_metadata_value(result.exec_properties["served"], served)
        return result


def _served(exec_properties: dict[str, Any]) -> str:
    newest = served_model.newest_version(exec_properties["serving_dir"])
    if newest is None:
        return "none"
    return f"{os.path.basename(newest)}:{served_model.fingerprint(newest)}"

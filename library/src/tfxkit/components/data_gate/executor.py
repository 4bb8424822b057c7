"""Collects what is wrong with the data, and stops the run or reports it."""

from __future__ import annotations

import os
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from tfxkit.components.data_gate import anomalies, drift, rows
from tfxkit.components.data_gate.findings import GateError, Report
from tfxkit.config.bounds import Validation
from tfxkit.config.dataset import Dataset
from tfxkit.errors import DataError
from tfxkit.storage import placeholders
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.statistics import Columns, columns_of, split_file, split_names

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """See `tfxkit.components.data_gate.component.DataGate`."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the findings.

        Raises:
            GateError: If any finding is at or above the configured severity.
        """
        validation = Validation.model_validate_json(exec_properties["validation"])
        statistics = _columns_by_split(artifact_utils.get_single_uri(input_dict["statistics"]))
        schema = io_utils.parse_pbtxt_file(
            os.path.join(artifact_utils.get_single_uri(input_dict["schema"]), "schema.pbtxt"),
            schema_pb2.Schema(),
        )
        report = Report(stop_at=validation.stop_at)
        if input_dict.get("anomalies"):
            report.findings += anomalies.read(
                artifact_utils.get_single_instance(input_dict["anomalies"]), schema
            )

        baseline = next(iter(input_dict.get("baseline_statistics") or []), None)
        if baseline is None:
            report.no_baseline = "The pipeline has no Baseline."
        elif placeholders.is_absent(baseline):
            report.no_baseline = placeholders.reason(baseline)
        else:
            before = _columns_by_split(baseline.uri)
            drift.measure("drift", statistics, before, validation.drift, report)

        if validation.serving_statistics is not None:
            if not fileio.exists(validation.serving_statistics):
                raise DataError(
                    f"There are no statistics of served requests at "
                    f"{validation.serving_statistics} (validation.serving_statistics in "
                    "configs/dataset.yaml). Without that key no skew is measured."
                )
            served = columns_of(validation.serving_statistics)
            drift.measure(
                "skew", statistics, dict.fromkeys(statistics, served), validation.skew, report
            )

        report.findings += rows.findings(
            artifact_utils.get_single_instance(input_dict["examples"]),
            baseline,
            schema,
            Dataset.model_validate_json(exec_properties["dataset"]),
            validation,
        )
        if report.stopping():
            raise GateError(report)
        artifact_utils.get_single_instance(output_dict["findings"]).write(report.to_json())


def _columns_by_split(uri: str) -> dict[str, Columns]:
    return {split: columns_of(split_file(uri, split)) for split in split_names(uri)}

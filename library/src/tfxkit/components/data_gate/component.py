"""DataGate: no step behind it runs on data that does not pass."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, channel, component_spec, standard_artifacts
from tfx.utils import io_utils

from tfxkit.components.data_gate import drift
from tfxkit.components.data_gate.findings import GateError, GateReport, read_anomalies
from tfxkit.components.data_gate.labels import label_findings
from tfxkit.components.data_gate.rows import find_leaks, row_findings
from tfxkit.config.dataset import Dataset, Validation
from tfxkit.errors import DataError
from tfxkit.storage.artifacts import (
    ColumnStatistics,
    absence_reason,
    is_absent,
    read_columns,
    split_names,
    statistics_file,
)
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash

Artifacts = dict[str, list[types.Artifact]]


class DataGateSpec(component_spec.ComponentSpec):
    """Inputs, outputs and parameters of `DataGate`."""

    PARAMETERS: ClassVar = {
        "dataset": component_spec.ExecutionParameter(type=str),
        "validation": component_spec.ExecutionParameter(type=str),
        "serving_statistics_hash": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "anomalies": component_spec.ChannelParameter(
            type=standard_artifacts.ExampleAnomalies, optional=True
        ),
        "baseline_statistics": component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
    }
    OUTPUTS: ClassVar = {
        "findings": component_spec.ChannelParameter(type=standard_artifacts.JsonValue)
    }


class DataGateExecutor(base_executor.BaseExecutor):
    """Collects the findings, and stops the run or reports them."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the findings.

        Raises:
            GateError: If a finding has the configured severity or a higher one.
        """
        validation = Validation.model_validate_json(exec_properties["validation"])
        statistics = _columns_by_split(artifact_utils.get_single_uri(input_dict["statistics"]))
        schema = io_utils.parse_pbtxt_file(
            os.path.join(artifact_utils.get_single_uri(input_dict["schema"]), "schema.pbtxt"),
            schema_pb2.Schema(),
        )
        dataset = Dataset.model_validate_json(exec_properties["dataset"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        baseline = next(iter(input_dict.get("baseline_statistics") or []), None)
        before: dict[str, ColumnStatistics] = {}
        if baseline is not None and not is_absent(baseline):
            before = _columns_by_split(baseline.uri)

        report = GateReport(stop_at=validation.stop_at)
        report.findings += label_findings(statistics, before, examples.uri, schema, dataset)
        if input_dict.get("anomalies"):
            anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
            report.findings += read_anomalies(
                anomalies, schema, dataset, statistics, report.findings
            )

        if baseline is None:
            report.no_baseline = "The pipeline has no Baseline."
        elif is_absent(baseline):
            report.no_baseline = absence_reason(baseline)
        else:
            drift.measure("drift", statistics, before, validation.drift, report)

        if validation.serving_statistics is not None:
            if not fileio.exists(validation.serving_statistics):
                raise DataError(
                    f"There are no statistics of served requests at "
                    f"{validation.serving_statistics} (validation.serving_statistics in "
                    "configs/dataset.yaml). Without that key no skew is measured."
                )
            served = read_columns(validation.serving_statistics)
            drift.measure(
                "skew", statistics, dict.fromkeys(statistics, served), validation.skew, report
            )

        report.findings += row_findings(examples, baseline, validation, dataset)
        if (allowed := validation.max_association) is not None:
            report.leaks, findings = find_leaks(examples, schema, dataset, allowed)
            report.findings += findings
        if report.stopping():
            raise GateError(report)
        artifact_utils.get_single_instance(output_dict["findings"]).write(report.to_json())


class DataGate(base_component.BaseComponent):
    """Stops the run if the data differs from the schema, or from the data of the served model.

    ExampleValidator compares with the schema only, ignores drift and skew comparators (tfx 1.21,
    `example_validator/executor.py`), and stops nothing.

    Outputs:
        findings: `JsonValue`, see `findings.GateReport`. Written only if the data passes; otherwise
            the report is an attribute of the error.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(DataGateExecutor)

    def __init__(
        self,
        *,
        examples: channel.BaseChannel,
        statistics: channel.BaseChannel,
        schema: channel.BaseChannel,
        dataset: Mapping[str, Any],
        validation: Mapping[str, Any],
        anomalies: channel.BaseChannel | None = None,
        baseline_statistics: channel.BaseChannel | None = None,
    ) -> None:
        """Constructs the component.

        Args:
            examples: `Examples` of SpanExampleGen.
            statistics: `ExampleStatistics` of these examples.
            schema: `Schema` of the validation.
            dataset: `Dataset.for_model()`: label and features.
            validation: `Dataset.validation` as JSON-ready values.
            anomalies: `ExampleAnomalies` of ExampleValidator. Without them, data is not compared
                with the schema.
            baseline_statistics: `ExampleStatistics` of the served model's training data. Without
                them, or with `tfx_absent=1`, no drift is measured.
        """
        super().__init__(
            DataGateSpec(
                examples=examples,
                statistics=statistics,
                schema=schema,
                anomalies=anomalies,
                baseline_statistics=baseline_statistics,
                dataset=json.dumps(_roles(dataset), sort_keys=True),
                validation=json.dumps(validation, sort_keys=True),
                serving_statistics_hash=_file_hash(validation.get("serving_statistics")),
                code_hash=code_hash("tfxkit.components.data_gate"),
                findings=channel.Channel(type=standard_artifacts.JsonValue),
            )
        )


def _roles(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Dataset with the options that the gate reads, so that no other change makes it run again."""
    kept = ("role", "known")
    columns = {
        name: {key: column[key] for key in kept if key in column}
        for name, column in dataset["columns"].items()
    }
    return {**dataset, "columns": columns}


def _file_hash(path: str | None) -> str:
    """Hash of a file that is no artifact, so that the cache sees its changes."""
    if path is None or not fileio.exists(path):
        return ""
    with fileio.open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def _columns_by_split(uri: str) -> dict[str, ColumnStatistics]:
    return {split: read_columns(statistics_file(uri, split)) for split in split_names(uri)}

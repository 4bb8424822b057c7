"""The DataGate component: nothing that is ordered behind it runs on data that does not pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from tfxkit.components.data_gate.executor import Executor
from tfxkit.storage.code_hash import code_hash
from tfxkit.storage.filesystems import fileio


class DataGateSpec(component_spec.ComponentSpec):
    """What goes in and what comes out."""

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


class DataGate(base_component.BaseComponent):
    """Stops the run when the data is not what the schema, or the served model, expects.

    ExampleValidator compares with the schema only, ignores drift and skew comparators (tfx 1.21,
    `example_validator/executor.py`), and stops nothing.

    Outputs:
        findings: `JsonValue`, see `findings.Report`. Written only when the data passes; otherwise
            the report is an attribute of the error.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

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
            examples: The data at hand, `Examples` of SpanExampleGen.
            statistics: `ExampleStatistics` of the data at hand.
            schema: The `Schema` that it was held to.
            dataset: `Dataset.for_model()`: label and features.
            validation: `Dataset.validation` as JSON-ready values.
            anomalies: What ExampleValidator found. Without it, data is not held to the schema.
            baseline_statistics: Those of the data that the served model was trained on. Without
                it, or where it has `tfx_absent=1`, no drift is measured.
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
    """Without what is of no concern here, so that it does not make the gate run again."""
    columns = {name: {"role": column["role"]} for name, column in dataset["columns"].items()}
    return {**dataset, "columns": columns}


def _file_hash(path: str | None) -> str:
    """Makes the cache see a change of the file, which is a parameter and no artifact."""
    if path is None or not fileio.exists(path):
        return ""
    with fileio.open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]

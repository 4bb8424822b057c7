"""Metrics and columns of the steps of a package, to check the values of a run against.

They are read from the package, so checking values takes no time and no TFX.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.bounds import Evaluation
from tfxkit.errors import UsageError
from tfxkit.evaluation import COUNTS
from tfxkit.kubeflow.container import SCHEMA_VARIABLE, decode_schema
from tfxkit.kubeflow.package import Package, parse_spec
from tfxkit.metrics import catalogue


def metrics(package: Package) -> list[str]:
    """The metrics that the Evaluator computes; none if the package has no such step."""
    config = _json(package, "Evaluator", "eval_config")
    names = [
        json.loads(metric.get("config") or "{}").get("name")
        for spec in config.get("metrics_specs", config.get("metricsSpecs", []))
        for metric in spec.get("metrics", [])
    ]
    return [name for name in names if name and name not in COUNTS]


def has_reader(package: Package) -> bool:
    """True if ExampleGen has a reader of the project, and no folder of files."""
    try:
        # A Struct in an Any in TFX's CustomConfig; other packages may hold other settings.
        return bool(
            _json(package, "ExampleGen", "custom_config")["custom_config"]["value"]["reader"]
        )
    except (LookupError, TypeError):
        return False


def _json(package: Package, step: str, parameter: str) -> dict[str, Any]:
    """A parameter of a step; empty in a package without it, or that was edited by hand."""
    spec, _ = parse_spec(package.spec)
    task = spec.root.dag.tasks[step]  # made, and empty, where there is none
    text = task.inputs.parameters[parameter].runtime_value.constant.string_value
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def columns(package: Package) -> list[str]:
    """The columns of the schema that the package carries; none if it carries none."""
    _, deployment = parse_spec(package.spec)
    for executor in deployment.executors.values():
        for variable in executor.container.env:
            if variable.name == SCHEMA_VARIABLE:
                text = decode_schema(variable.value).decode()
                schema = text_format.Parse(text, schema_pb2.Schema())
                return [feature.name for feature in schema.feature]
    return []


def check_direction(package: Package, metric: str, where: str) -> None:
    """Refuses `max_worsening` for a metric whose change has no known direction.

    Args:
        package: That measures the metric.
        metric: Its name.
        where: The parameter with `max_worsening`.

    Raises:
        UsageError: If the metric is best near a number, or its direction is unknown.
    """
    evaluation = Evaluation.model_validate(_json(package, "Evaluator", "evaluation"))
    try:
        catalogue.check_direction(evaluation, metric, where)
    except ValueError as error:
        raise UsageError(str(error)) from None

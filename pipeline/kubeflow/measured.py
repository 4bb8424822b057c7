"""What the steps of a package measure: names that the bounds of a run may use.

They are read from the package, so that bounds are checked in no time, without TFX.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.errors import UsageError
from pipeline.kubeflow import carried
from pipeline.kubeflow.package import Package

_COUNTS = ("example_count", "mean_label")


def metrics(package: Package) -> list[str]:
    """The metrics that the Evaluator computes; none if the package has no such step."""
    text = _constant(package, "Evaluator", "eval_config")
    if not text:
        return []
    config = json.loads(text)
    names = [
        json.loads(metric.get("config") or "{}").get("name")
        for spec in config.get("metrics_specs", config.get("metricsSpecs", []))
        for metric in spec.get("metrics", [])
    ]
    return [name for name in names if name and name not in _COUNTS]


def columns(package: Package) -> list[str]:
    """The columns of the schema that the package carries; none if it carries none."""
    for executor in package.spec.get("deploymentSpec", {}).get("executors", {}).values():
        for variable in executor.get("container", {}).get("env", []):
            if variable["name"] == carried.SCHEMA:
                text = gzip.decompress(base64.b64decode(variable["value"])).decode()
                schema = text_format.Parse(text, schema_pb2.Schema())
                return [feature.name for feature in schema.feature]
    return []


def check_direction(metric: str) -> None:
    """Refuses a bound on the change of a metric that is best near one.

    Raises:
        UsageError: If the metric has no direction.
    """
    from components.evaluator.metrics import better  # brings TFX with it: ten seconds

    if better(metric) == "near one":
        raise UsageError(
            f"thresholds.{metric}: it is best near 1, so a change has no direction; bound it with "
            "min and max instead of max_worsening"
        )


def _constant(package: Package, step: str, name: str) -> Any:
    task = package.spec["root"]["dag"]["tasks"].get(step, {})
    parameter = task.get("inputs", {}).get("parameters", {}).get(name, {})
    return parameter.get("runtimeValue", {}).get("constant")

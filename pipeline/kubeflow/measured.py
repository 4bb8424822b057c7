"""What the steps of a package read and measure: what the values of a run are checked against.

It is read from the package, so that values are checked in no time, without TFX.
"""

from __future__ import annotations

import base64
import gzip
import json

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.kubeflow import carried
from pipeline.kubeflow.checks.view import parse
from pipeline.kubeflow.package import Package
from tfxkit.errors import UsageError
from tfxkit.evaluation import COUNTS


def metrics(package: Package) -> list[str]:
    """The metrics that the Evaluator computes; none if the package has no such step."""
    spec, _ = parse(package.spec)
    evaluator = spec.root.dag.tasks["Evaluator"]  # made, and empty, where there is none
    text = evaluator.inputs.parameters["eval_config"].runtime_value.constant.string_value
    try:
        config = json.loads(text or "{}")
    except ValueError:  # of a package that was edited by hand: nothing is known of it
        return []
    names = [
        json.loads(metric.get("config") or "{}").get("name")
        for spec in config.get("metrics_specs", config.get("metricsSpecs", []))
        for metric in spec.get("metrics", [])
    ]
    return [name for name in names if name and name not in COUNTS]


def has_reader(package: Package) -> bool:
    """Whether ExampleGen has a reader of the project's own, and no folder of files."""
    spec, _ = parse(package.spec)
    example_gen = spec.root.dag.tasks["ExampleGen"]  # made, and empty, where there is none
    text = example_gen.inputs.parameters["custom_config"].runtime_value.constant.string_value
    try:
        # A Struct in an Any in TFX's CustomConfig; other packages may hold other settings.
        return bool(json.loads(text)["custom_config"]["value"]["reader"])
    except (ValueError, LookupError, TypeError):
        return False


def columns(package: Package) -> list[str]:
    """The columns of the schema that the package carries; none if it carries none."""
    _, deployment = parse(package.spec)
    for executor in deployment.executors.values():
        for variable in executor.container.env:
            if variable.name == carried.SCHEMA:
                text = gzip.decompress(base64.b64decode(variable.value)).decode()
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

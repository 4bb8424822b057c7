"""Results of a run from its artifacts: the part of the summary that needs TFX."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterator, Mapping
from importlib import metadata as distributions
from typing import Any

from tfx.utils import path_utils

from tfxkit import __version__
from tfxkit.components.evaluator import evaluation as evaluations
from tfxkit.components.serving_check import RESULT_FILE
from tfxkit.evaluation import Leak
from tfxkit.runs.metadata import Artifact, ArtifactsByStep
from tfxkit.runs.summary import LIBRARY, BaselineSummary, Status
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import LEFT_OUT, REASON, SPANS_PROPERTY
from tfxkit.storage.filesystems import fileio

_WARNING = "warning"  # a custom property of an output
_PACKAGES = (
    "tfx",
    "tensorflow",
    "keras",
    "apache-beam",
    "tensorflow-model-analysis",
    "ml-metadata",
)


def collect(outputs: ArtifactsByStep, unfinished: Container[str] = ()) -> dict[str, Any]:
    """The fields of `Summary` that can be read from the artifacts of the steps that have run.

    Args:
        outputs: Per step and key, from `RunMetadata.outputs`.
        unfinished: The steps of the pipeline that failed, were interrupted or did not run.
    """
    fields: dict[str, Any] = {}
    if examples := outputs.get("ExampleGen", {}).get("examples"):
        fields["spans"] = _spans(examples)
        fields["left_out"] = int(examples.properties.get(LEFT_OUT, 0))
    if findings := outputs.get("DataGate", {}).get("findings"):
        fields |= _data_gate(findings)
    if model := outputs.get("Trainer", {}).get("model"):
        fields["training_seconds"] = _training_seconds(model)
    if model := outputs.get("Baseline", {}).get("model"):
        fields["baseline"] = _baseline(model)
    if evaluation := outputs.get("Evaluator", {}).get("evaluation"):
        fields |= _evaluation(evaluation.uri, fields.get("baseline"))
    if blessing := outputs.get("ServingCheck", {}).get("blessing"):
        fields["serving_check"] = _serving_check(blessing)
        fields["blessed"] = _join_verdicts(
            fields.get("blessed"), fields["serving_check"]["blessed"]
        )
    elif "ServingCheck" in unfinished:
        fields["blessed"] = _join_verdicts(fields.get("blessed"), None)
    if pushed := outputs.get("Pusher", {}).get("pushed_model"):
        properties = pushed.properties
        is_pushed = bool(properties.get(served_model.PUSHED))
        fields["pushed_path"] = properties[served_model.PUSHED_DESTINATION] if is_pushed else None
        fields["already_served"] = bool(properties.get(served_model.ADOPTED))
    if warnings := tuple(_warnings(outputs)):
        fields["warnings"] = warnings
    return fields


def verdict(fields: Mapping[str, Any]) -> Status:
    """The status of a run whose steps have all succeeded, from the fields of `collect`."""
    if "pushed_path" not in fields:
        return Status.DONE
    if fields["pushed_path"] is None:
        return Status.NOT_BLESSED
    return Status.ALREADY_SERVED if fields["already_served"] else Status.PUSHED


def versions() -> dict[str, str]:
    """The versions of the libraries that results depend on, this one first."""
    return {LIBRARY: __version__, **{name: distributions.version(name) for name in _PACKAGES}}


def _warnings(outputs: ArtifactsByStep) -> Iterator[str]:
    """Warnings of steps that succeeded, such as those of the project."""
    for step, artifacts in outputs.items():
        for artifact in artifacts.values():
            if warning := artifact.properties.get(_WARNING):
                yield f"{step}: {warning}"


def _spans(examples: Artifact) -> tuple[int, ...]:
    return tuple(json.loads(str(examples.properties.get(SPANS_PROPERTY, "[]"))))


def _data_gate(findings: Artifact) -> dict[str, Any]:
    """A line for each finding that did not stop the run, or could not be measured; leaks."""
    with fileio.open(findings.uri, "r") as file:
        content = json.load(file)
    passed = [
        f"{finding['severity']}: {finding['column']} ({finding['split']}): {finding['what']}"
        for finding in content["findings"]
    ]
    return {
        "data_gate": (*passed, *(f"not measured: {name}" for name in content["not_measured"])),
        "leaks": tuple(Leak(**leak) for leak in content.get("leaks", ())),
    }


def _training_seconds(model: Artifact) -> float | None:
    path = os.path.join(path_utils.serving_model_dir(model.uri), served_model.TRAINING)
    with fileio.open(path, "r") as file:
        return json.load(file)["seconds"]


def _baseline(model: Artifact) -> BaselineSummary:
    return BaselineSummary(
        version=model.properties.get(served_model.SERVED_VERSION),
        reason=model.properties.get(REASON),
    )


def _evaluation(uri: str, baseline: BaselineSummary | None) -> dict[str, Any]:
    result = evaluations.read_evaluation(uri)
    fields: dict[str, Any] = {
        "metrics": result.metrics,
        "slices": result.slices,
        "gaps": result.gaps,
        "sampled": result.sampled,
        "thresholds": result.checks,
        "blessed": result.blessed,
    }
    if baseline is not None:
        fields["baseline"] = baseline.model_copy(update={"metrics": result.baseline_metrics})
    return fields


def _join_verdicts(evaluation: bool | None, serving_check: bool | None) -> bool | None:
    """Joins two verdicts; None stands for an unknown one."""
    if evaluation is False or serving_check is False:
        return False
    return None if evaluation is None or serving_check is None else True


def _serving_check(blessing: Artifact) -> dict[str, Any]:
    with fileio.open(os.path.join(blessing.uri, RESULT_FILE), "r") as file:
        return json.load(file)

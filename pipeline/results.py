"""Reads what a run's artifacts say about its model: the part of the summary that needs TFX."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import metadata as distributions
from typing import Any

from tfx.dsl.io import fileio

from components.evaluator import evaluation as evaluations
from components.serving_check import RESULT_FILE
from pipeline.metadata import OutputArtifact
from pipeline.summary import BaselineSummary, Check, GapSummary, SliceMetrics, Status
from tfxkit.storage import served_model

Outputs = Mapping[str, Mapping[str, OutputArtifact]]
PACKAGES = ("tfx", "tensorflow", "keras", "apache-beam", "tensorflow-model-analysis", "ml-metadata")


def collect(outputs: Outputs) -> dict[str, Any]:
    """The fields of `Summary` that can be read from the artifacts of the steps that have run.

    Args:
        outputs: Per step and key, from `RunMetadata.outputs`.
    """
    fields: dict[str, Any] = {}
    if examples := outputs.get("ExampleGen", {}).get("examples"):
        fields["spans"] = _spans(examples)
        fields["left_out"] = int(examples.properties.get("left_out", 0))
    if findings := outputs.get("DataGate", {}).get("findings"):
        fields["data_gate"] = _data_gate(findings)
    if model := outputs.get("Trainer", {}).get("model"):
        fields["training_seconds"] = _training_seconds(model)
    if model := outputs.get("Baseline", {}).get("model"):
        fields["baseline"] = _baseline(model)
    if evaluation := outputs.get("Evaluator", {}).get("evaluation"):
        fields |= _evaluation(evaluation.uri, fields.get("baseline"))
    if blessing := outputs.get("ServingCheck", {}).get("blessing"):
        fields["serving_check"] = _serving_check(blessing)
        fields["blessed"] = bool(fields.get("blessed")) and fields["serving_check"]["blessed"]
    if pushed := outputs.get("Pusher", {}).get("pushed_model"):
        is_pushed = bool(pushed.properties.get("pushed"))
        fields["pushed_path"] = pushed.properties["pushed_destination"] if is_pushed else None
        fields["already_served"] = bool(pushed.properties.get("adopted"))
    return fields


def verdict(fields: Mapping[str, Any]) -> Status:
    """How a run ended whose steps have all come to a good end, from the fields of `collect`."""
    if "pushed_path" not in fields:
        return Status.DONE
    if fields["pushed_path"] is None:
        return Status.NOT_BLESSED
    return Status.ALREADY_SERVED if fields["already_served"] else Status.PUSHED


def versions() -> dict[str, str]:
    """The versions of the libraries that decide what comes out."""
    return {name: distributions.version(name) for name in PACKAGES}


def _spans(examples: OutputArtifact) -> tuple[int, ...]:
    return tuple(json.loads(str(examples.properties.get("spans", "[]"))))


def _data_gate(findings: OutputArtifact) -> tuple[str, ...]:
    """What the gate let pass, and what it could not measure, a line each."""
    with fileio.open(findings.uri, "r") as file:
        content = json.load(file)
    passed = [
        f"{one['severity']}: {one['column']} ({one['split']}): {one['what']}"
        for one in content["findings"]
    ]
    return (*passed, *(f"not measured: {one}" for one in content["not_measured"]))


def _training_seconds(model: OutputArtifact) -> float | None:
    path = os.path.join(model.uri, "Format-Serving", served_model.TRAINING)
    with fileio.open(path, "r") as file:
        return json.load(file)["seconds"]


def _baseline(model: OutputArtifact) -> BaselineSummary:
    return BaselineSummary(
        version=model.properties.get("served_version"), reason=model.properties.get("reason")
    )


def _evaluation(uri: str, baseline: BaselineSummary | None) -> dict[str, Any]:
    result = evaluations.read(uri)
    fields: dict[str, Any] = {
        "metrics": result.metrics,
        "slices": tuple(
            SliceMetrics(slice=one.slice, examples=one.examples, metrics=one.metrics)
            for one in result.slices
        ),
        "gaps": tuple(GapSummary(**vars(one)) for one in result.gaps),
        "sampled": result.sampled,
        "thresholds": tuple(Check(**vars(one)) for one in result.checks),
        "blessed": result.blessed,
        "auc": result.metrics.get("auc"),
        "expected_calibration_error": result.metrics.get("expected_calibration_error"),
    }
    if baseline is not None:
        fields["baseline"] = baseline.model_copy(update={"metrics": result.baseline_metrics})
    return fields


def _serving_check(blessing: OutputArtifact) -> dict[str, Any]:
    with fileio.open(os.path.join(blessing.uri, RESULT_FILE), "r") as file:
        return json.load(file)

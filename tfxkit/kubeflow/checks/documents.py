"""The documents as such: what they are, in which version of the schema, with known fields."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.checks.view import PRESENTATION, View, parse

SCHEMA_VERSION = "2.1.0"


def unreadable(raw: Mapping[str, Any]) -> str | None:
    """Why a document is no pipeline spec, in which case no other rule can be asked.

    The backend parses strictly and takes what does not parse for no pipeline at all: "unknown
    template format" (apiserver/template/template.go:107-115 and :162).
    """
    if "pipelineSpec" in raw:
        return (
            "The package is a PipelineJob, of which the backend reads only the inner pipeline "
            "spec: compile to YAML, or keep what stands under pipelineSpec."
        )
    try:
        spec, _ = parse(raw)
    except json_format.ParseError as error:
        return (
            f"The package is no pipeline spec ({error}), and the backend would say no more than "
            "'unknown template format': compile it again, or correct that field."
        )
    if not spec.pipeline_info.name:
        return "The package has no pipelineInfo.name: give the pipeline a name."
    if not spec.root.dag.tasks:
        return "The package has no tasks (root.dag.tasks is empty): nothing would run."
    return None


def schema_version(view: View) -> Iterator[str]:
    """Open-source Kubeflow Pipelines knows one version: apiserver/template/v2_template.go:230."""
    found = view.spec.schema_version
    if found != SCHEMA_VERSION:
        yield (
            f"The package has schema version {found or '(none)'}, and open-source Kubeflow "
            f"Pipelines takes {SCHEMA_VERSION} only: compile it with use_pipeline_spec_2_1=True."
        )


def unread_deployment_fields(view: View) -> Iterator[str]:
    """The deployment spec is read leniently, unknown fields dropped: v2/compiler/visitor.go:182."""
    executors = json_format.MessageToDict(view.spec.deployment_spec).get("executors") or {}
    for label, executor in executors.items():
        try:
            json_format.ParseDict(
                _without_types(executor or {}), pb.PipelineDeploymentConfig.ExecutorSpec()
            )
        except json_format.ParseError as error:
            yield (
                f"{label}: something in its executor is not known and would be dropped without a "
                f"word ({error}): correct or remove it."
            )


def _without_types(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _without_types(value) for key, value in tree.items() if key != PRESENTATION}
    return copy.copy(tree)

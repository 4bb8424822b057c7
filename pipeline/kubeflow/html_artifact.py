"""The type of the page: `system.HTML` for the backends, a class of this project for TFX.

TFX 1.21 writes types as `instanceSchema`, which Vertex AI's UI does not know as HTML, and imports
the class of an output by its title (orchestration/kubeflow/v2/container/
kubeflow_v2_entrypoint_utils.py, `_retrieve_class_path`), where there is no module `system`.
"""

from __future__ import annotations

from typing import Any

TITLE = "system.HTML"
_CLASS = "pipeline.kubeflow.report_step.component.HTML"
_VERSION = "0.0.1"  # as kfp has it


def declare(spec: dict[str, Any]) -> None:
    """Makes outputs of this type what the backends know, in a PipelineSpec."""
    for component in spec["components"].values():
        for output in component.get("outputDefinitions", {}).get("artifacts", {}).values():
            if f"title: {TITLE}\n" in output["artifactType"].get("instanceSchema", ""):
                output["artifactType"] = {"schemaTitle": TITLE, "schemaVersion": _VERSION}


def recover(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Names the class where a step has an output of this type.

    Args:
        executor_input: An `ExecutorInput`.
    """
    outputs = executor_input["outputs"]
    artifacts = {
        key: {**listed, "artifacts": [_with_class(one) for one in listed.get("artifacts", [])]}
        for key, listed in outputs.get("artifacts", {}).items()
    }
    return {**executor_input, "outputs": {**outputs, "artifacts": artifacts}}


def _with_class(artifact: dict[str, Any]) -> dict[str, Any]:
    if artifact.get("type", {}).get("schemaTitle") != TITLE:
        return artifact
    return {**artifact, "type": {"schemaTitle": _CLASS}}

"""Makes what Kubeflow tells a step into what TFX expects to be told, and Vertex AI tells it.

Line numbers are of kubeflow/pipelines 2.17.0, backend/src/v2, unless another project is named.
"""

from __future__ import annotations

from typing import Any

from tfxkit.kubeflow.launcher import Launcher

# Added to the metadata of each artifact when it is recorded (metadata/client.go:1234 and 1249).
_OF_THE_BACKEND = ("display_name", "store_session_info")


def adapt(
    executor_input: dict[str, Any], inputs_spec: dict[str, Any], launcher: Launcher
) -> dict[str, Any]:
    """Adapts the message that describes one execution of a step.

    Args:
        executor_input: An `ExecutorInput`, as the launcher writes it in place of `{{$}}`.
        inputs_spec: The `ComponentInputsSpec` of the step, as TFX's compiler wrote it.
        launcher: The launcher's folders.

    Returns:
        Another `ExecutorInput`: its artifacts have types, the metadata that they were given, and
        paths that can be opened.
    """
    inputs, outputs = executor_input.get("inputs", {}), executor_input["outputs"]
    types = {key: one["artifactType"] for key, one in inputs_spec.get("artifacts", {}).items()}
    return {
        **executor_input,
        "inputs": {
            **inputs,
            "artifacts": {
                key: {
                    "artifacts": [_input(one, types[key], launcher) for one in _listed(artifacts)]
                }
                for key, artifacts in inputs.get("artifacts", {}).items()
            },
        },
        "outputs": {
            **outputs,
            "artifacts": {
                key: {"artifacts": [_output(one, launcher) for one in _listed(artifacts)]}
                for key, artifacts in outputs.get("artifacts", {}).items()
                if not any(_is_of_the_launcher(one) for one in _listed(artifacts))
            },
        },
    }


def _listed(artifacts: dict[str, Any]) -> list[dict[str, Any]]:
    return artifacts.get("artifacts", [])


def _input(
    artifact: dict[str, Any], artifact_type: dict[str, Any], launcher: Launcher
) -> dict[str, Any]:
    return {
        **artifact,
        # The driver leaves the type empty (metadata/client.go:1144); TFX takes it for a mapping
        # (tfx 1.21, orchestration/kubeflow/v2/container/kubeflow_v2_entrypoint_utils.py:259).
        "type": artifact_type,
        "uri": launcher.to_local(artifact["uri"]),
        "metadata": _as_given(artifact.get("metadata", {})),
    }


def _output(artifact: dict[str, Any], launcher: Launcher) -> dict[str, Any]:
    return {**artifact, "uri": launcher.to_local(artifact["uri"])}


def _as_given(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata as the step that made the artifact gave it. Its numbers have become doubles."""
    return {key: _unwrapped(value) for key, value in metadata.items() if key not in _OF_THE_BACKEND}


def _unwrapped(value: Any) -> Any:
    """Takes a list or a mapping out of the struct that MLMD keeps it in (converter.go:150-166)."""
    if isinstance(value, dict) and len(value) == 1:
        [(kind, content)] = value.items()
        if (kind, type(content)) in (("list", list), ("struct", dict)):
            return content
    return value


def _is_of_the_launcher(artifact: dict[str, Any]) -> bool:
    """Whether an output is `executor-logs`, which the launcher writes (driver/driver.go:761).

    TFX has no such type: "Could not import system.Artifact".
    """
    title = artifact.get("type", {}).get("schemaTitle", "")
    return title.startswith("system.")

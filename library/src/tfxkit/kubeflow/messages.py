"""Messages between backend and TFX: `ExecutorInput` before a step, `ExecutorOutput` after it.

TFX expects them as Vertex AI writes them; those of Kubeflow are adapted. Line numbers are of
kubeflow/pipelines 2.17.0, backend/src/v2, unless another project is named.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from tfxkit.kubeflow.container import Launcher

CONFIG_PARAMETER = "custom_config"
# Added to the metadata of each artifact when it is recorded (metadata/client.go:1234 and 1249).
_OF_THE_BACKEND = ("display_name", "store_session_info")


def adapt_input(
    executor_input: dict[str, Any], inputs_spec: dict[str, Any], launcher: Launcher
) -> dict[str, Any]:
    """Adapts the message that describes one execution of a step.

    Args:
        executor_input: An `ExecutorInput`, as the launcher writes it in place of `{{$}}`.
        inputs_spec: The `ComponentInputsSpec` of the step, as TFX's compiler wrote it.
        launcher: The launcher's folders.

    Returns:
        Another `ExecutorInput`, whose artifacts have their types, their original metadata, and
        paths that can be opened.
    """
    inputs, outputs = executor_input.get("inputs", {}), executor_input["outputs"]
    types = {key: spec["artifactType"] for key, spec in inputs_spec.get("artifacts", {}).items()}
    return {
        **executor_input,
        "inputs": {
            **inputs,
            "artifacts": {
                key: {
                    "artifacts": [
                        _adapted_input(artifact, types[key], launcher)
                        for artifact in artifacts.get("artifacts", [])
                    ]
                }
                for key, artifacts in inputs.get("artifacts", {}).items()
            },
        },
        "outputs": {
            **outputs,
            "artifacts": {
                key: {
                    "artifacts": [
                        {**artifact, "uri": launcher.to_local(artifact["uri"])}
                        for artifact in artifacts.get("artifacts", [])
                    ]
                }
                for key, artifacts in outputs.get("artifacts", {}).items()
                if not any(_is_launchers(artifact) for artifact in artifacts.get("artifacts", []))
            },
        },
    }


def adapt_output(executor_output: dict[str, Any], launcher: Launcher) -> dict[str, Any]:
    """Adapts the message that a step writes at its end.

    Args:
        executor_output: An `ExecutorOutput`, as TFX writes it.
        launcher: The launcher's folders.

    Returns:
        Another `ExecutorOutput`, with addresses in place of paths. The launcher does not upload an
        output with a path, and the step succeeds all the same (component/launcher_v2.go:778).
    """
    return {
        **executor_output,
        "artifacts": {
            key: {
                **artifacts,
                "artifacts": [
                    _adapted_output(artifact, launcher) for artifact in artifacts["artifacts"]
                ],
            }
            for key, artifacts in executor_output.get("artifacts", {}).items()
        },
    }


def add_checkpoint_run(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Adds `checkpoint_run`, the run's id, to a `custom_config` with a `checkpoint_dir`.

    Runs at the same time must not share checkpoints. The id comes from the address of an output,
    not from a parameter: a parameter that is new in each run would keep Vertex AI from ever finding
    the training in its cache.

    Args:
        executor_input: An `ExecutorInput`.

    Returns:
        The same message, or a copy with the run's id.
    """
    inputs = executor_input.get("inputs", {})
    parameters = inputs.get("parameterValues", {})
    try:
        config = json.loads(parameters.get(CONFIG_PARAMETER) or "{}")
    except ValueError:
        return executor_input
    if not isinstance(config, dict) or "checkpoint_dir" not in config:
        return executor_input
    output = next(iter(executor_input["outputs"]["artifacts"].values()))["artifacts"][0]
    config = {**config, "checkpoint_run": run_id_of(output["uri"])}
    values = {**parameters, CONFIG_PARAMETER: json.dumps(config)}
    return {**executor_input, "inputs": {**inputs, "parameterValues": values}}


def run_id_of(uri: str) -> str:
    """Run id in the address of an output.

    It is RUN in `…/RUN/TASK/UUID/OUTPUT` or, of Vertex AI and before 2.5, `…/RUN/TASK/OUTPUT`.
    Kubeflow: driver/driver.go:775 and root_dag.go:84. A step that is tried again, alone or with its
    run, keeps the run.
    """
    parts = uri.split("/")
    return parts[-4] if _is_uuid(parts[-2]) else parts[-3]


def _adapted_input(
    artifact: dict[str, Any], artifact_type: dict[str, Any], launcher: Launcher
) -> dict[str, Any]:
    metadata = artifact.get("metadata", {})
    return {
        **artifact,
        # The driver leaves the type empty (metadata/client.go:1144); TFX reads it as a mapping
        # (tfx 1.21, orchestration/kubeflow/v2/container/kubeflow_v2_entrypoint_utils.py:259).
        "type": artifact_type,
        "uri": launcher.to_local(artifact["uri"]),
        "metadata": {
            key: _unwrapped(value) for key, value in metadata.items() if key not in _OF_THE_BACKEND
        },
    }


def _unwrapped(value: Any) -> Any:
    """Value without the struct in which MLMD keeps a list or a mapping (converter.go:150-166)."""
    if isinstance(value, dict) and len(value) == 1:
        [(key, content)] = value.items()
        if (key, type(content)) in (("list", list), ("struct", dict)):
            return content
    return value


def _is_launchers(artifact: dict[str, Any]) -> bool:
    """True for the output `executor-logs`, which the launcher writes (driver/driver.go:761).

    TFX has no such type: "Could not import system.Artifact".
    """
    title = artifact.get("type", {}).get("schemaTitle", "")
    return title.startswith("system.")


def _adapted_output(artifact: dict[str, Any], launcher: Launcher) -> dict[str, Any]:
    return {
        **artifact,
        "uri": launcher.to_remote(artifact["uri"]),
        "metadata": {
            # Paths of other artifacts, such as the model in a blessing.
            key: launcher.to_remote(value) if isinstance(value, str) else value
            for key, value in artifact.get("metadata", {}).items()
            # A null is an error of the launcher (metadata/converter.go:167).
            if value is not None
        },
    }


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True

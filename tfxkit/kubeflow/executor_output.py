"""Makes what TFX says of a step's outputs into what Kubeflow's launcher takes."""

from __future__ import annotations

from typing import Any

from tfxkit.kubeflow.launcher import Launcher


def adapt(executor_output: dict[str, Any], launcher: Launcher) -> dict[str, Any]:
    """Adapts the message that a step writes at its end.

    Args:
        executor_output: An `ExecutorOutput`, as TFX writes it.
        launcher: The launcher's folders.

    Returns:
        Another `ExecutorOutput`, with addresses where there were paths. An output with a path is
        not uploaded, and the step succeeds all the same (kubeflow/pipelines 2.17.0,
        backend/src/v2/component/launcher_v2.go:778).
    """
    return {
        **executor_output,
        "artifacts": {
            key: {
                **artifacts,
                "artifacts": [_artifact(artifact, launcher) for artifact in artifacts["artifacts"]],
            }
            for key, artifacts in executor_output.get("artifacts", {}).items()
        },
    }


def _artifact(artifact: dict[str, Any], launcher: Launcher) -> dict[str, Any]:
    return {
        **artifact,
        "uri": launcher.to_remote(artifact["uri"]),
        "metadata": {
            # Paths of other artifacts, such as the model that a blessing is about.
            key: launcher.to_remote(value) if isinstance(value, str) else value
            for key, value in artifact.get("metadata", {}).items()
            # What TFX has no value for; an error of the launcher (metadata/converter.go:167).
            if value is not None
        },
    }

"""Tells a training which run it belongs to: runs at the same time must not share checkpoints.

The id is read off the address of an output, and is no parameter: a parameter that is new in each
run would keep Vertex AI from ever finding the training in its cache.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

CONFIG = "custom_config"


def add(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Adds `checkpoint_run` where a step's `custom_config` has a `checkpoint_dir`.

    Args:
        executor_input: An `ExecutorInput`.

    Returns:
        The same, or one with the run's id.
    """
    inputs = executor_input.get("inputs", {})
    given = inputs.get("parameterValues", {})
    try:
        config = json.loads(given.get(CONFIG) or "{}")
    except ValueError:
        return executor_input
    if not isinstance(config, dict) or "checkpoint_dir" not in config:
        return executor_input
    known = {**given, CONFIG: json.dumps({**config, "checkpoint_run": _run_id(executor_input)})}
    return {**executor_input, "inputs": {**inputs, "parameterValues": known}}


def _run_id(executor_input: dict[str, Any]) -> str:
    first = next(iter(executor_input["outputs"]["artifacts"].values()))["artifacts"][0]
    return run_of(first["uri"])


def run_of(uri: str) -> str:
    """The run that the address of an output is of.

    It is RUN in `…/RUN/TASK/UUID/OUTPUT` or, of Vertex AI and before 2.5, `…/RUN/TASK/OUTPUT`.
    Kubeflow: kubeflow/pipelines 2.17.0, backend/src/v2/driver/driver.go:775 and root_dag.go:84. A
    step that is tried again, alone or with its run, has the same run.
    """
    parts = uri.split("/")
    return parts[-4] if _is_uuid(parts[-2]) else parts[-3]


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True

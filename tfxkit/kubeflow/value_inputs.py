"""Reads the values that a step is given, before the step starts.

A function component takes numbers and texts of earlier steps as arguments. A run on this machine
reads them from their artifacts; TFX's entrypoint in a container does not, and such a function ends
with "The artifact value has not yet been read from storage" (tfx 1.21, orchestration/kubeflow/v2/
container/kubeflow_v2_run_executor.py).
"""

from __future__ import annotations

import importlib
from typing import Any

from tfxkit.kubeflow.artifact_types import title_of

_VALUES = frozenset(
    f"tfx.{name}" for name in ("Boolean", "Float", "Integer", "JsonValue", "String")
)


def are_in(executor_input: dict[str, Any]) -> bool:
    """True if a step has any value among its inputs, by their types."""
    inputs = executor_input.get("inputs", {}).get("artifacts", {}).values()
    types = [one.get("type", {}) for listed in inputs for one in listed.get("artifacts", [])]
    return any(title_of(artifact_type) in _VALUES for artifact_type in types)


def reading(executor_class_path: str) -> str:
    """The dotted name of a subclass of an executor that reads the values first.

    Executors that run Beam stay as they are: their workers look them up by name.
    """
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.orchestration.portable.python_executor_operator import hydrate_value_artifacts

    module, _, name = executor_class_path.rpartition(".")
    base: Any = getattr(importlib.import_module(module), name)
    if issubclass(base, BaseBeamExecutor):
        return executor_class_path

    def do(self: Any, input_dict: Any, output_dict: Any, exec_properties: Any) -> Any:
        hydrate_value_artifacts(input_dict)
        return base.Do(self, input_dict, output_dict, exec_properties)

    globals()[name] = type(name, (base,), {"Do": do, "__module__": __name__})
    return f"{__name__}.{name}"

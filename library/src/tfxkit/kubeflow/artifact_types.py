"""Artifact types that TFX's entrypoint does not handle: the project's own, and values.

TFX 1.21 compiles the name of a type that it does not ship to the title of a schema, and imports the
class by that title when a step starts (orchestration/kubeflow/v2/container/
kubeflow_v2_entrypoint_utils.py, `_retrieve_class_path`). But the title has two parts, unlike the
path of most classes; and the page's is `system.HTML`, by which the UIs of the backends recognize a
page. So the container of a step gets the paths of the classes in its environment.

A function component takes numbers and texts of earlier steps as arguments. A run on this machine
reads them from their artifacts; TFX's entrypoint does not, and such a function ends with "The
artifact value has not yet been read from storage" (kubeflow_v2_run_executor.py). So the executor of
such a step is replaced by a subclass that reads them.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

import yaml

from tfxkit.errors import UsageError

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode

PAGE_TITLE = "system.HTML"
CLASSES_VARIABLE = "PIPELINE_ARTIFACT_TYPES"
_PAGE_VERSION = "0.0.1"  # kfp's own
# `_SCHEMA_TITLE_RE` of tfx 1.21, orchestration/kubeflow/v2/compiler_utils.py.
_NAME = re.compile(r"[a-z][a-z0-9_-]{2,20}\.[A-Z][a-zA-Z0-9_-]{2,49}")
_VALUES = frozenset(
    f"tfx.{name}" for name in ("Boolean", "Float", "Integer", "JsonValue", "String")
)


def classes_of(node: BaseNode) -> dict[str, str]:
    """Types of a step's inputs and outputs that TFX does not ship: name -> dotted class.

    Raises:
        UsageError: If TFX does not compile the name of a type.
    """
    classes = {}
    for channel in (*node.inputs.values(), *node.outputs.values()):
        artifact_class = channel.type
        module = artifact_class.__module__
        if module.startswith("tfx."):
            continue
        name = artifact_class.TYPE_NAME or ""
        if not _NAME.fullmatch(name):
            package = module.partition(".")[0]
            raise UsageError(
                f"{node.id}: backends take types of artifacts with a name of two parts. Set "
                f"TYPE_NAME = '{package}.{artifact_class.__name__}' in "
                f"{module}.{artifact_class.__name__}, in place of {name!r}."
            )
        classes[name] = f"{module}.{artifact_class.__qualname__}"
    return classes


def declare_page(spec: dict[str, Any]) -> None:
    """Gives outputs that are pages the type that the backends' UIs recognize, in a PipelineSpec."""
    for component in spec["components"].values():
        for output in component.get("outputDefinitions", {}).get("artifacts", {}).values():
            if f"title: {PAGE_TITLE}\n" in output["artifactType"].get("instanceSchema", ""):
                output["artifactType"] = {
                    "schemaTitle": PAGE_TITLE,
                    "schemaVersion": _PAGE_VERSION,
                }


def recover_classes(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Names the classes of inputs and outputs whose types TFX does not ship.

    Args:
        executor_input: An `ExecutorInput`.
    """
    classes = json.loads(os.environ.get(CLASSES_VARIABLE) or "{}")
    if not classes:
        return executor_input
    recovered = dict(executor_input)
    for side in ("inputs", "outputs"):
        message = executor_input.get(side, {})
        if "artifacts" not in message:
            continue
        artifacts = {
            key: {
                **listed,
                "artifacts": [
                    _with_class(artifact, classes) for artifact in listed.get("artifacts", [])
                ],
            }
            for key, listed in message["artifacts"].items()
        }
        recovered[side] = {**message, "artifacts": artifacts}
    return recovered


def has_values(executor_input: dict[str, Any]) -> bool:
    """True if any input of a step is a value, by its type."""
    inputs = executor_input.get("inputs", {}).get("artifacts", {}).values()
    return any(
        _title_of(artifact.get("type", {})) in _VALUES
        for listed in inputs
        for artifact in listed.get("artifacts", [])
    )


def value_reading_executor(executor_class_path: str) -> str:
    """Dotted name of a subclass of an executor that reads the values among its inputs first.

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


def _with_class(artifact: dict[str, Any], classes: dict[str, str]) -> dict[str, Any]:
    title = _title_of(artifact.get("type", {}))
    return {**artifact, "type": {"schemaTitle": classes[title]}} if title in classes else artifact


def _title_of(artifact_type: dict[str, Any]) -> str:
    """Name of a type in a message of a backend; empty without one."""
    if "instanceSchema" not in artifact_type:
        return str(artifact_type.get("schemaTitle", ""))
    schema = yaml.safe_load(artifact_type["instanceSchema"])
    return str(schema.get("title", "")) if isinstance(schema, dict) else ""

"""Types of artifacts that TFX does not ship: the page of a run, and those of the project's steps.

TFX 1.21 compiles the name of such a type to the title of a schema, and imports the class by that
title when a step starts (orchestration/kubeflow/v2/container/kubeflow_v2_entrypoint_utils.py,
`_retrieve_class_path`). But the title has two parts, and the path of a class seldom has; and the
page's is `system.HTML`, by which the UIs of the backends recognize a page. So the container of a
step gets the paths of the classes in its environment.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import yaml

from tfxkit.errors import UsageError

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode
    from tfx.types import Artifact

TITLE = "system.HTML"
CLASSES = "PIPELINE_ARTIFACT_TYPES"
_VERSION = "0.0.1"  # as kfp has it
# `_SCHEMA_TITLE_RE` of tfx 1.21, orchestration/kubeflow/v2/compiler_utils.py.
_NAME = re.compile(r"[a-z][a-z0-9_-]{2,20}\.[A-Z][a-zA-Z0-9_-]{2,49}")


def classes_of(node: BaseNode) -> dict[str, str]:
    """The types of a step's inputs and outputs that TFX does not ship: name -> dotted class.

    Raises:
        UsageError: If one has a name that TFX does not compile.
    """
    found = {}
    for kind in _own_types(node):
        name = kind.TYPE_NAME or ""
        if not _NAME.fullmatch(name):
            package = kind.__module__.partition(".")[0]
            raise UsageError(
                f"{node.id}: backends take types of artifacts with a name of two parts. Set "
                f"TYPE_NAME = '{package}.{kind.__name__}' in {kind.__module__}.{kind.__name__}, in "
                f"place of {name!r}."
            )
        found[name] = f"{kind.__module__}.{kind.__qualname__}"
    return found


def declare_page(spec: dict[str, Any]) -> None:
    """Makes outputs that are pages what the backends know, in a PipelineSpec."""
    for component in spec["components"].values():
        for output in component.get("outputDefinitions", {}).get("artifacts", {}).values():
            if f"title: {TITLE}\n" in output["artifactType"].get("instanceSchema", ""):
                output["artifactType"] = {"schemaTitle": TITLE, "schemaVersion": _VERSION}


def recover(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Names the classes of inputs and outputs whose types TFX does not ship.

    Args:
        executor_input: An `ExecutorInput`.
    """
    classes = json.loads(os.environ.get(CLASSES) or "{}")
    if not classes:
        return executor_input
    recovered = dict(executor_input)
    for side in ("inputs", "outputs"):
        given = executor_input.get(side, {})
        if "artifacts" not in given:
            continue
        artifacts = {
            key: {
                **listed,
                "artifacts": [_with_class(one, classes) for one in listed.get("artifacts", [])],
            }
            for key, listed in given["artifacts"].items()
        }
        recovered[side] = {**given, "artifacts": artifacts}
    return recovered


def _own_types(node: BaseNode) -> Iterator[type[Artifact]]:
    for channel in (*node.inputs.values(), *node.outputs.values()):
        if not channel.type.__module__.startswith("tfx."):
            yield channel.type


def _with_class(artifact: dict[str, Any], classes: dict[str, str]) -> dict[str, Any]:
    title = title_of(artifact.get("type", {}))
    return {**artifact, "type": {"schemaTitle": classes[title]}} if title in classes else artifact


def title_of(artifact_type: dict[str, Any]) -> str:
    """The name of a type in a message of a backend; empty if it has none."""
    if "instanceSchema" not in artifact_type:
        return str(artifact_type.get("schemaTitle", ""))
    schema = yaml.safe_load(artifact_type["instanceSchema"])
    return str(schema.get("title", "")) if isinstance(schema, dict) else ""

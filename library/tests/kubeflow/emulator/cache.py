"""The task cache (cacheutils/cache.go, driver/cache.go).

Its key knows the names of input artifacts, which are their ids in the metadata store, and nothing
of what is in them. So a task is found again only if all before it were found as well, and a task
without input artifacts (ExampleGen) is found however its data changed.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable

from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator.protojson import to_object


def fingerprint(
    executor_input: pipeline_spec_pb2.ExecutorInput,
    component: pipeline_spec_pb2.ComponentSpec,
    container: pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec,
    claims: Iterable[str],
) -> str:
    """The cache key of a task, as hexadecimal SHA-256 (cacheutils/cache.go:151 and 173)."""
    inputs, outputs = executor_input.inputs, executor_input.outputs
    output_types = {
        name: int(component.output_definitions.parameters[name].parameter_type)
        for name in outputs.parameters
    }
    key = {
        "inputArtifactNames": {
            name: [artifact.name for artifact in found.artifacts]
            for name, found in inputs.artifacts.items()
        },
        "inputParameterValues": {
            name: to_object(item) for name, item in inputs.parameter_values.items()
        },
        "outputArtifactsSpec": {
            name: _without_uri(found.artifacts[0]) for name, found in outputs.artifacts.items()
        },
        "outputParametersSpec": output_types,
        "containerSpec": {
            "image": container.image,
            "cmdArgs": [*container.command, *container.args],
            "pvcNames": sorted(set(claims)),  # driver/cache.go:92
        },
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _without_uri(artifact: pipeline_spec_pb2.RuntimeArtifact) -> object:
    kept = pipeline_spec_pb2.RuntimeArtifact()
    kept.CopyFrom(artifact)
    kept.ClearField("uri")
    return to_object(kept)


class TaskCache:
    """Executions by key, per pipeline (cacheutils/cache.go:105)."""

    def __init__(self) -> None:
        self._executions: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def find(self, key: str, pipeline_name: str) -> int | None:
        """The newest execution with this key in runs of this pipeline."""
        with self._lock:
            return self._executions.get((key, pipeline_name))

    def add(self, key: str, pipeline_name: str, execution_id: int) -> None:
        with self._lock:
            self._executions[key, pipeline_name] = execution_id

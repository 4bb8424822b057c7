"""The importer: an artifact that lies somewhere already (component/importer_launcher.go)."""

from __future__ import annotations

import json

from google.protobuf.struct_pb2 import Value

from tests.kubeflow.emulator import uris
from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.errors import NotEmulated, plain_error, prefixed
from tests.kubeflow.emulator.metadata import (
    Execution,
    MetadataStore,
    schema_of,
    stored_properties,
    type_title,
)
from tests.kubeflow.emulator.run_context import RunContext


def execute(task: Task, run: RunContext, metadata: MetadataStore) -> Execution:
    """Records the artifact; nothing is copied.

    The execution has the display name of the task, not its key (importer_launcher.go:136): a
    consumer does not find it if the two differ.

    Raises:
        BackendError: The URI is missing or of an unknown scheme.
    """
    spec = task.executor.importer
    if spec.download_to_workspace:
        raise NotEmulated("an importer that downloads to the workspace")
    with prefixed("failed to execute importer component"):
        execution = metadata.create_execution(run.run_id, task.spec.task_info.name, {})
        with prefixed("failed to create MLMD artifact from ImporterSpec"):
            type_name = type_title(schema_of(spec.type_schema))
            uri = _uri(task, run)
            properties = stored_properties(spec.metadata.fields)
            session = {
                "Provider": uris.root_bucket(uri).provider,
                "Params": {"fromEnv": "true"},
            }
        properties["store_session_info"] = Value(string_value=json.dumps(session))
        outputs = list(task.component.output_definitions.artifacts)
        if len(outputs) != 1:
            raise plain_error("failed to extract output artifact name from componentOutputSpec")
        matching = None if spec.reimport else _find(metadata, type_name, uri, properties)
        found = metadata.add(type_name, uri, properties) if matching is None else matching
        execution.artifacts[outputs[0]] = found
        execution.state = "COMPLETE"
    return execution


def _uri(task: Task, run: RunContext) -> str:
    """A constant, or a parameter of the root (importer_launcher.go:203-241)."""
    source = task.executor.importer.artifact_uri
    kind = source.WhichOneof("value")
    if kind == "constant":
        if not source.constant.string_value:
            raise plain_error("empty Artifact URI constant value")
        return source.constant.string_value
    if kind == "runtime_parameter":
        name = source.runtime_parameter
        if name not in task.spec.inputs.parameters:
            raise plain_error(f"cannot find parameter {name} in task input to fetch artifact uri")
        root_name = task.spec.inputs.parameters[name].component_input_parameter
        if root_name not in run.parameters:
            raise plain_error(
                "error resolving artifact URI: parent DAG does not have input parameter "
                f"{root_name}"
            )
        if not run.parameters[root_name].string_value:
            raise plain_error(f"empty artifact URI runtime value for parameter {name}")
        return run.parameters[root_name].string_value
    raise plain_error("artifact uri not provided")


def _find(
    metadata: MetadataStore, type_name: str, uri: str, properties: dict[str, Value]
) -> int | None:
    """An artifact that was imported before, with these properties (metadata/client.go:1327)."""
    for artifact in list(metadata.artifacts.values()):
        if (artifact.type_name, artifact.uri) == (type_name, uri) and all(
            artifact.properties.get(name) == item for name, item in properties.items()
        ):
            return artifact.id
    return None

"""The metadata store: artifacts and executions, and what conversion does to an artifact's metadata.

Stands for metadata/client.go, metadata/converter.go and driver/resolve.go's look-ups. Two things
there trip a step: a null is refused, and the type of an artifact is lost on the way to its reader.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator.errors import plain_error, prefixed
from tests.kubeflow.emulator.protojson import to_object, value

RuntimeArtifact = pipeline_spec_pb2.RuntimeArtifact


@dataclass(frozen=True)
class Artifact:
    """An artifact as it is stored; a caller reads `properties`, and never changes them."""

    id: int
    type_name: str
    uri: str
    properties: Mapping[str, Value]

    def metadata(self) -> dict[str, object]:
        """The properties as Python objects."""
        return {name: to_object(item) for name, item in self.properties.items()}


@dataclass
class Execution:
    """A run of a task; the id is also the name of its row in the task's cache."""

    id: int
    run_id: str
    task_name: str
    inputs: Mapping[str, Value]
    state: str = "RUNNING"
    fingerprint: str = ""
    outputs: dict[str, Value] = field(default_factory=dict)
    artifacts: dict[str, int] = field(default_factory=dict)


class MetadataStore:
    """Artifacts and executions of all runs, by id; safe to use from several threads."""

    def __init__(self) -> None:
        self.artifacts: dict[int, Artifact] = {}
        self.executions: dict[int, Execution] = {}
        self._artifact_ids, self._execution_ids = itertools.count(1), itertools.count(1)
        self._lock = threading.Lock()

    def create_execution(
        self, run_id: str, task_name: str, inputs: Mapping[str, Value]
    ) -> Execution:
        with self._lock:
            execution = Execution(next(self._execution_ids), run_id, task_name, inputs)
            self.executions[execution.id] = execution
        return execution

    def record(
        self, output_name: str, schema: str, artifact: RuntimeArtifact, provider: str
    ) -> int:
        """Stores an output artifact (metadata/client.go:1214) and returns its id.

        Raises:
            BackendError: Its metadata has a null, or its type no title.
        """
        properties = stored_properties(artifact.metadata.fields)
        type_name = type_title(schema)
        properties.setdefault("display_name", Value(string_value=output_name))
        session = json.dumps({"Provider": provider, "Params": {"fromEnv": "true"}})
        properties.setdefault("store_session_info", Value(string_value=session))
        return self.add(type_name, artifact.uri, properties)

    def add(self, type_name: str, uri: str, properties: Mapping[str, Value]) -> int:
        with self._lock:
            artifact = Artifact(next(self._artifact_ids), type_name, uri, properties)
            self.artifacts[artifact.id] = artifact
        return artifact.id

    def runtime_artifact(self, artifact_id: int) -> RuntimeArtifact:
        """An artifact as the next step gets it: its name is the id, its type empty.

        metadata/converter.go:181; metadata/client.go:1141-1145 ("figure out how to get schema").
        """
        stored = self.artifacts[artifact_id]
        artifact = RuntimeArtifact(name=str(stored.id), uri=stored.uri)
        artifact.type.instance_schema = ""
        artifact.metadata.SetInParent()
        for name, item in stored.properties.items():
            artifact.metadata.fields[name].CopyFrom(item)
        return artifact


def stored_properties(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Metadata as it comes back from the store (metadata/converter.go:138 and 194).

    Booleans turn into numbers; lists and structs are wrapped.

    Raises:
        BackendError: A value is null.
    """
    with prefixed("failed to convert RuntimeArtifact to MLMD artifact"):
        return {name: _stored(item) for name, item in fields.items() if name != "_kfp_workspace"}


def _stored(item: Value) -> Value:
    kind = item.WhichOneof("kind")
    if kind == "bool_value":
        return Value(number_value=int(item.bool_value))
    if kind == "list_value":
        return value({"list": to_object(item)})
    if kind == "struct_value":
        return value({"struct": to_object(item)})
    if kind in ("string_value", "number_value"):
        return item
    raise plain_error("unknown/unsupported value type *structpb.Value_NullValue")  # :167


def schema_of(artifact_type: pipeline_spec_pb2.ArtifactTypeSchema) -> str:
    """The schema's text; raises BackendError (component/launcher_v2.go:1175)."""
    kind = artifact_type.WhichOneof("kind")
    if kind == "instance_schema":
        return artifact_type.instance_schema
    if kind == "schema_title":
        return f"title: {artifact_type.schema_title}"
    raise plain_error(
        "SchemaUri is unsupported" if kind else "unknown type <nil> in ArtifactTypeSchema"
    )


def type_title(schema: str) -> str:
    """The name of an artifact's type, all that is used of its schema (metadata/client.go:1199)."""
    try:
        loaded = yaml.safe_load(schema)
    except yaml.YAMLError as error:
        raise plain_error(f"error converting YAML to JSON: {error}") from error
    title = loaded.get("title") if isinstance(loaded, dict) else None
    if not title:
        raise plain_error("No title specified")  # glog.Fatal ends the launcher
    return str(title)

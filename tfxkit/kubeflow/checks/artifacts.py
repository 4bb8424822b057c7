"""Artifacts that the metadata store cannot record."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.checks.view import View


def metadata(view: View) -> Iterator[str]:
    """A null among the properties is an error: v2/metadata/converter.go:167-169."""
    for task in view.tasks:
        found = {}
        if task.component:
            outputs = task.component.output_definitions.artifacts
            found = {name: artifact.metadata for name, artifact in outputs.items()}
        if task.executor and task.executor.HasField("importer"):
            found["the imported artifact"] = task.executor.importer.metadata
        for output, properties in sorted(found.items()):
            nulls = sorted(
                key for key, value in properties.fields.items() if value.HasField("null_value")
            )
            if nulls:
                yield (
                    f"{task.name}: the metadata of {output} has null for {', '.join(nulls)}, which "
                    "cannot be recorded: leave these keys out."
                )


def types(view: View) -> Iterator[str]:
    """A type must have a title: v2/component/launcher_v2.go:1175-1186, v2/metadata/client.go:1206.

    Without one the launcher ends with "No title specified" when the step is done.
    """
    for task in view.tasks:
        outputs = task.component.output_definitions.artifacts if task.component else {}
        found = {name: artifact.artifact_type for name, artifact in outputs.items()}
        if task.executor and task.executor.HasField("importer"):
            found["typeSchema"] = task.executor.importer.type_schema
        for name, artifact_type in sorted(found.items()):
            if not _title(artifact_type):
                yield (
                    f"{task.name}: the type of its output {name!r} has no title (schemaTitle, or "
                    "title in instanceSchema), and the launcher would fail after the work is done: "
                    "set it."
                )


def _title(artifact_type: pb.ArtifactTypeSchema) -> str:
    if artifact_type.WhichOneof("kind") == "schema_title":
        return artifact_type.schema_title
    try:
        schema = yaml.safe_load(artifact_type.instance_schema)
    except yaml.YAMLError:
        return ""
    return str(schema.get("title") or "") if isinstance(schema, dict) else ""

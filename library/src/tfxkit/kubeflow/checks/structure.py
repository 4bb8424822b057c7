"""Structure of a package: documents, references between tasks, artifacts."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.package import ROOT, PackageTask, PackageView, parse_spec

SCHEMA_VERSION = "2.1.0"
_CURES = {
    "resolver": (
        "is a resolver, which only Vertex has: replace TFX's Resolver by a component (as Baseline "
        "here), or leave it out"
    ),
    "custom_job": "is a custom job of Google Cloud: use a container",
}
_PRESENTATION = "@type"  # the key that marks a google.protobuf.Any; backends skip it
_DYNAMIC = "_task"  # the suffix that TFX adds to the producer of a dynamic exec property
_CONDITION_INPUT = re.compile(r"inputs\.(artifacts|parameters)\['([^']+)'\]")


def unreadable(raw: Mapping[str, Any]) -> str | None:
    """Reason why a document is no pipeline spec; None if it is one and the rules apply.

    The backend parses strictly and rejects any other document as "unknown template format"
    (apiserver/template/template.go:107-115 and :162).
    """
    if "pipelineSpec" in raw:
        return (
            "The package is a PipelineJob, of which the backend reads only the inner pipeline "
            "spec: compile to YAML, or keep what stands under pipelineSpec."
        )
    try:
        spec, _ = parse_spec(raw)
    except json_format.ParseError as error:
        return (
            f"The package is no pipeline spec ({error}), and the backend would only report "
            "'unknown template format': compile it again, or correct that field."
        )
    if not spec.pipeline_info.name:
        return "The package has no pipelineInfo.name: give the pipeline a name."
    if not spec.root.dag.tasks:
        return "The package has no tasks (root.dag.tasks is empty): nothing would run."
    return None


def schema_version(view: PackageView) -> Iterator[str]:
    """Open-source Kubeflow Pipelines accepts one version: apiserver/template/v2_template.go:230."""
    version = view.spec.schema_version
    if version != SCHEMA_VERSION:
        yield (
            f"The package has schema version {version or '(none)'}, and open-source Kubeflow "
            f"Pipelines takes {SCHEMA_VERSION} only: compile it with use_pipeline_spec_2_1=True."
        )


def unread_deployment_fields(view: PackageView) -> Iterator[str]:
    """The deployment spec is read leniently, unknown fields dropped: v2/compiler/visitor.go:182."""
    executors = json_format.MessageToDict(view.spec.deployment_spec).get("executors") or {}
    for label, executor in executors.items():
        try:
            json_format.ParseDict(
                _without_types(executor or {}), pb.PipelineDeploymentConfig.ExecutorSpec()
            )
        except json_format.ParseError as error:
            yield (
                f"{label}: something in its executor is not known and would be dropped without a "
                f"word ({error}): correct or remove it."
            )


def component_references(view: PackageView) -> Iterator[str]:
    """References without a target: v2/compiler/visitor.go:107-110 and :156-161.

    The driver refuses a task without a name: v2/driver/driver.go:728.
    """
    for task in view.tasks:
        reference = task.spec.component_ref.name
        if task.component is None:
            yield (
                f"{task.name}: there is no component {reference!r}: add it under components, or "
                "correct componentRef.name."
            )
        elif task.component.executor_label and task.executor is None:
            yield (
                f"{task.name}: there is no executor {task.component.executor_label!r}: add it "
                "under deploymentSpec.executors, or correct executorLabel."
            )
        elif not task.component.executor_label and not task.component.HasField("dag"):
            yield (
                f"{task.name}: its component {reference!r} has neither executorLabel nor dag: set "
                "one of them."
            )
        if not task.spec.task_info.name:
            yield f"{task.name}: taskInfo.name is empty, and the driver requires it: set it."


def executors(view: PackageView) -> Iterator[str]:
    """Containers and importers only: v2/compiler/visitor.go:134, argocompiler/dag.go:349 and :351.

    An upload passes all the same; it is the run that fails.
    """
    for task in view.tasks:
        executor = task.executor.WhichOneof("spec") if task.executor else None
        if task.executor and executor not in ("container", "importer"):
            cure = _CURES.get(executor or "", "has an empty executor: give it a container")
            yield f"{task.name}: {cure}; open-source Kubeflow Pipelines runs no such step."


def iterators(view: PackageView) -> Iterator[str]:
    """Loops over artifacts do not exist: v2/compiler/argocompiler/dag.go:65-70."""
    for task in view.tasks:
        if task.spec.HasField("artifact_iterator"):
            yield (
                f"{task.name}: loops over artifacts are not implemented in open-source Kubeflow "
                "Pipelines: loop over a parameter, or inside the step."
            )


def producers(view: PackageView) -> Iterator[str]:
    """Inputs from missing tasks or outputs.

    Unknown task: v2/compiler/argocompiler/dag.go:666. Unknown output: the look-up fails just before
    the step runs (v2/driver/resolve.go:691 and :787). TFX writes a wrong
    producer for dynamic exec properties (tfx 1.21, orchestration/kubeflow/v2/step_builder.py:404).
    """
    for task in view.tasks:
        siblings = view.tasks_of(task.dag)
        for name, producer, key, kind in _sources(task):
            if producer not in siblings:
                if producer.removesuffix(_DYNAMIC) in siblings:
                    yield (
                        f"{task.name}: its parameter {name!r} is the value of another step's "
                        f"output (future), which TFX compiles to the unknown task {producer!r}: "
                        "hand the value over as an artifact."
                    )
                else:
                    yield (
                        f"{task.name}: its input {name!r} comes from {producer!r}, and there is no "
                        "such task beside it: correct producerTask."
                    )
                continue
            component = siblings[producer].component
            outputs = getattr(component.output_definitions, kind) if component else {key: None}
            if key not in outputs:
                yield (
                    f"{task.name}: its input {name!r} is the output {key!r} of {producer}, which "
                    f"has {', '.join(sorted(outputs)) or 'none'}: correct the key."
                )


def parent_inputs(view: PackageView) -> Iterator[str]:
    """Inputs that the surrounding DAG does not have: v2/driver/resolve.go:396 and :551.

    TFX leaves them out of the DAG that wraps a pipeline with an exit handler.
    """
    for task in view.tasks:
        definitions = task.dag.component.input_definitions
        where = "the pipeline" if task.dag.name == ROOT else task.dag.name
        for name, parameter in task.spec.inputs.parameters.items():
            source = parameter.component_input_parameter
            if source and source not in definitions.parameters:
                yield (
                    f"{task.name}: its parameter {name!r} is the input {source!r} of {where}, "
                    "which does not declare it: add it to inputDefinitions.parameters."
                )
        for name, artifact in task.spec.inputs.artifacts.items():
            source = artifact.component_input_artifact
            if source and source not in definitions.artifacts:
                yield (
                    f"{task.name}: its artifact {name!r} is the input {source!r} of {where}, which "
                    "does not declare it: add it to inputDefinitions.artifacts."
                )


def dependencies(view: PackageView) -> Iterator[str]:
    """Dependencies on missing tasks, which Argo refuses.

    argo-workflows 4.1.2, workflow/validate/validate.go (validateDAG: "dependency … not defined").
    """
    for task in view.tasks:
        for name in task.spec.dependent_tasks:
            if name not in task.dag.tasks:
                yield (
                    f"{task.name}: it waits for {name!r}, and there is no such task beside it: "
                    "correct dependentTasks."
                )


def cycles(view: PackageView) -> Iterator[str]:
    """Tasks that wait for themselves: Argo's validateDAG ("dependency cycle detected")."""
    for dag in view.dags().values():
        waiting = {
            name: upstream(task) & dag.tasks.keys() for name, task in view.tasks_of(dag).items()
        }
        while free := {name for name, needed in waiting.items() if not needed & waiting.keys()}:
            waiting = {name: needed for name, needed in waiting.items() if name not in free}
        if waiting:
            yield (
                f"{', '.join(sorted(waiting))}: these steps wait for one another, directly or by "
                "way of those in between: take one of their inputs or dependentTasks away."
            )


def conditions(view: PackageView) -> Iterator[str]:
    """Conditions that cannot be evaluated.

    On an importer: v2/compiler/argocompiler/dag.go:341. Over a missing input: the expression fails
    in the driver (v2/expression/expression.go, called by v2/driver/container.go:90).
    """
    for task in view.tasks:
        condition = task.spec.trigger_policy.condition
        if not condition:
            continue
        if task.executor and task.executor.WhichOneof("spec") == "importer":
            yield (
                f"{task.name}: an importer cannot have a condition in open-source Kubeflow "
                "Pipelines: move the importer out of the condition."
            )
        for kind, name in _CONDITION_INPUT.findall(condition):
            if name not in getattr(task.spec.inputs, kind):
                yield (
                    f"{task.name}: its condition uses {kind} {name!r}, which is no input of "
                    "the task: add the input, or correct the condition."
                )


def upstream(task: PackageTask) -> set[str]:
    """Names of the tasks that a task waits for."""
    return {*task.spec.dependent_tasks, *(producer for _, producer, _, _ in _sources(task))}


def artifact_metadata(view: PackageView) -> Iterator[str]:
    """Null properties, an error: v2/metadata/converter.go:167-169."""
    for task in view.tasks:
        metadata = {}
        if task.component:
            outputs = task.component.output_definitions.artifacts
            metadata = {name: artifact.metadata for name, artifact in outputs.items()}
        if task.executor and task.executor.HasField("importer"):
            metadata["the imported artifact"] = task.executor.importer.metadata
        for output, properties in sorted(metadata.items()):
            nulls = sorted(
                key for key, value in properties.fields.items() if value.HasField("null_value")
            )
            if nulls:
                yield (
                    f"{task.name}: the metadata of {output} has null for {', '.join(nulls)}, which "
                    "cannot be recorded: leave these keys out."
                )


def artifact_types(view: PackageView) -> Iterator[str]:
    """Types without a title: v2/component/launcher_v2.go:1175-1186, v2/metadata/client.go:1206.

    The launcher ends with "No title specified" when the step is done.
    """
    for task in view.tasks:
        outputs = task.component.output_definitions.artifacts if task.component else {}
        types = {name: artifact.artifact_type for name, artifact in outputs.items()}
        if task.executor and task.executor.HasField("importer"):
            types["typeSchema"] = task.executor.importer.type_schema
        for name, artifact_type in sorted(types.items()):
            if not _title(artifact_type):
                yield (
                    f"{task.name}: the type of its output {name!r} has no title (schemaTitle, or "
                    "title in instanceSchema), and the launcher would fail after the work is done: "
                    "set it."
                )


def _without_types(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _without_types(value) for key, value in tree.items() if key != _PRESENTATION}
    return copy.copy(tree)


def _sources(task: PackageTask) -> Iterator[tuple[str, str, str, str]]:
    """Inputs from other tasks: name, producer, key of its output, `parameters` or `artifacts`."""
    for name, parameter in sorted(task.spec.inputs.parameters.items()):
        if _source_kind(parameter) == "task_output_parameter":
            output = parameter.task_output_parameter
            yield name, output.producer_task, output.output_parameter_key, "parameters"
    for name, artifact in sorted(task.spec.inputs.artifacts.items()):
        if _source_kind(artifact) == "task_output_artifact":
            output = artifact.task_output_artifact
            yield name, output.producer_task, output.output_artifact_key, "artifacts"


def _source_kind(message: Message) -> str | None:
    return message.WhichOneof("kind")


def _title(artifact_type: pb.ArtifactTypeSchema) -> str:
    if artifact_type.WhichOneof("kind") == "schema_title":
        return artifact_type.schema_title
    try:
        schema = yaml.safe_load(artifact_type.instance_schema)
    except yaml.YAMLError:
        return ""
    return str(schema.get("title") or "") if isinstance(schema, dict) else ""

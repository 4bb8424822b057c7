"""The driver's first half: what a task is given (driver/resolve.go)."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.errors import NotEmulated, plain_error, prefixed
from tests.kubeflow.emulator.metadata import Execution, MetadataStore
from tests.kubeflow.emulator.parameters import KINDS, Type, text_of
from tests.kubeflow.emulator.run_context import RunContext

Inputs = pipeline_spec_pb2.ExecutorInput.Inputs
# What resolve.go:222-247 calls the kinds of values, by the field that holds them.
KIND_NAMES = {field: name for field, _, name in KINDS.values()}


class _ResolvedToNull(Exception):  # noqa: N818 - named after ErrResolvedParameterNull
    """The root's parameter is optional and was not given."""


def resolve(
    task: Task, run: RunContext, producers: Mapping[str, Execution], metadata: MetadataStore
) -> Inputs:
    """The parameters and artifacts of a task (resolve.go:102).

    Args:
        task: The task.
        run: Its run.
        producers: The run's executions so far, by the name of their task.
        metadata: Where the artifacts are known.

    Raises:
        BackendError: An input cannot be resolved, or has another type than declared.
    """
    inputs = Inputs()
    declared = task.component.input_definitions.parameters
    with prefixed("failed to resolve inputs"):
        for name, source in task.spec.inputs.parameters.items():
            try:
                value = _parameter(source, task, run, producers)
            except _ResolvedToNull as error:
                if name in declared and declared[name].is_optional:  # resolve.go:339
                    continue
                text = f"the resolved input parameter is null: {error}"
                raise plain_error(text) from error
            inputs.parameter_values[name].CopyFrom(value)
        for name, source in task.spec.inputs.artifacts.items():
            artifact = _artifact_id(name, source, producers)
            inputs.artifacts[name].artifacts.append(metadata.runtime_artifact(artifact))
        for name, parameter in declared.items():
            _check_type(name, parameter, inputs)
    return inputs


def _parameter(
    source: pipeline_spec_pb2.TaskInputsSpec.InputParameterSpec,
    task: Task,
    run: RunContext,
    producers: Mapping[str, Execution],
) -> Value:
    kind = source.WhichOneof("kind")
    if source.parameter_expression_selector:
        raise NotEmulated(f"{task.name}: a selector in a parameter")
    if kind == "component_input_parameter":  # resolve.go:389
        name = source.component_input_parameter
        if name not in run.parameters:
            raise plain_error(f"parent DAG does not have input parameter {name}")
        if run.parameters[name].WhichOneof("kind") == "null_value":
            raise _ResolvedToNull(name)
        return run.parameters[name]
    if kind == "task_output_parameter":  # resolve.go:577
        output = source.task_output_parameter
        if output.producer_task not in producers:
            raise plain_error(f"producer task, {output.producer_task}, not in tasks")
        return producers[output.producer_task].outputs.get(output.output_parameter_key, Value())
    if kind == "runtime_value":  # resolve.go:422
        if source.runtime_value.WhichOneof("value") != "constant":
            raise plain_error("param runtime value spec of this type not implemented")
        return _constant(source.runtime_value.constant, task, run)
    raise plain_error(f"parameter spec of type {kind} not implemented yet")


def _constant(value: Value, task: Task, run: RunContext) -> Value:
    """A constant; some that are nothing but a placeholder stand for the run (resolve.go:435)."""
    placeholders = {
        "{{$.pipeline_job_name}}": run.display_name,
        "{{$.pipeline_job_resource_name}}": run.workflow_name,
        "{{$.pipeline_job_uuid}}": run.run_id,
        "{{$.pipeline_task_name}}": task.name,
        "{{$.pipeline_task_uuid}}": str(run.dag_execution_id),  # the same for every task
        "{{$.pipeline_job_create_time_utc}}": run.created_at,
        "{{$.pipeline_job_schedule_time_utc}}": run.created_at,
    }
    text = placeholders.get(value.string_value)
    return value if text is None else Value(string_value=text)


def _artifact_id(
    name: str,
    source: pipeline_spec_pb2.TaskInputsSpec.InputArtifactSpec,
    producers: Mapping[str, Execution],
) -> int:
    """The id of an input artifact (resolve.go:700)."""
    with prefixed(f"failed to resolve input artifact {name}"):
        if source.WhichOneof("kind") != "task_output_artifact":
            # The root has no input artifacts in a package without sub-DAGs (resolve.go:551).
            found = source.component_input_artifact
            raise plain_error(f"parent DAG does not have input artifact {found}")
        output = source.task_output_artifact
        if output.producer_task not in producers:
            raise plain_error(f'cannot find producer task "{output.producer_task}"')
        artifacts = producers[output.producer_task].artifacts
        if output.output_artifact_key not in artifacts:
            raise plain_error(
                f'cannot find output artifact key "{output.output_artifact_key}" in producer task '
                f'"{output.producer_task}"'
            )
        return artifacts[output.output_artifact_key]


def _check_type(
    name: str, parameter: pipeline_spec_pb2.ComponentInputsSpec.ParameterSpec, inputs: Inputs
) -> None:
    """The types are those declared; to a STRING everything turns (resolve.go:169)."""
    value = inputs.parameter_values.get(name)
    if value is None:
        if parameter.is_optional:  # the launcher fills in the default
            return
        if not parameter.HasField("default_value"):
            raise plain_error(
                f'neither value nor default value provided for non-optional parameter "{name}"'
            )
    kind = value.WhichOneof("kind") if value is not None else None
    declared = parameter.parameter_type
    if declared == Type.STRING:
        if kind != "string_value":  # without a value it is empty, whatever its default
            text = text_of(value) if kind else ""
            inputs.parameter_values[name].string_value = text
        return
    if kind is None:
        raise plain_error(f"parameter {name} has unknown protobuf.Value type: <nil>")
    if kind == "null_value":
        raise plain_error(f'got null for input parameter "{name}"')
    if KINDS.get(declared, ("",))[0] != kind:
        raise plain_error(
            f'input parameter "{name}" type mismatch: expect '
            f"{Type.ParameterTypeEnum.Name(declared)}, got {KIND_NAMES[kind]}"
        )

"""The container driver: what a task gets and puts out, and whether the cache has it already.

Stands for driver/container.go, driver/driver.go (outputs) and driver/cache.go; inputs and the pod
have modules of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import inputs, pod, uris
from tests.kubeflow.emulator.cache import TaskCache, fingerprint
from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.errors import plain_error, prefixed
from tests.kubeflow.emulator.metadata import Execution, MetadataStore
from tests.kubeflow.emulator.run_context import RunContext
from tests.kubeflow.emulator.settings import Settings

ExecutorInput = pipeline_spec_pb2.ExecutorInput
LOGS = "executor-logs"


@dataclass(frozen=True)
class Decision:
    """Result of the driver.

    Attributes:
        execution: The task's execution.
        executor_input: What the launcher gets; all attempts get the same.
        pod: What runs it.
        cached: The outputs of an earlier execution were taken, so nothing is to be run.
    """

    execution: Execution
    executor_input: ExecutorInput
    pod: pod.Pod
    cached: bool


class Driver:
    """Decides, task by task."""

    def __init__(self, metadata: MetadataStore, cache: TaskCache, settings: Settings) -> None:
        self._metadata, self._cache, self._settings = metadata, cache, settings

    def drive(
        self,
        task: Task,
        run: RunContext,
        producers: Mapping[str, Execution],
        launcher_root: str,
    ) -> Decision:
        """Resolves a task's inputs, provides its outputs and looks into the cache.

        Args:
            task: The task.
            run: Its run.
            producers: The run's executions so far, by task.
            launcher_root: Where the step sees the launcher's folders; "/" in a pod.

        Raises:
            BackendError: The driver's pod fails, so the task's own is never made.
        """
        where = f'driver.Container(pipelineName={run.pipeline_name}, taskName="{task.name}") failed'
        with prefixed(where):
            if not task.spec.task_info.name:  # driver.go:728
                raise plain_error("invalid container driver args: task spec is required")
            executor_input = ExecutorInput(
                inputs=inputs.resolve(task, run, producers, self._metadata)
            )
            self._provide_outputs(task, run, launcher_root, executor_input)
            made = pod.make(task, executor_input.inputs, run, self._settings)
            execution = self._metadata.create_execution(
                run.run_id, task.name, dict(executor_input.inputs.parameter_values)
            )
            cached = self._look_into_cache(task, run, executor_input, execution, made)
        return Decision(execution, executor_input, made, cached)

    def _provide_outputs(
        self, task: Task, run: RunContext, launcher_root: str, executor_input: ExecutorInput
    ) -> None:
        """Names the places of a task's outputs (driver.go:741)."""
        outputs = executor_input.outputs
        declared = task.component.output_definitions
        task_root = uris.join(run.root, task.name, str(uuid.uuid4()))
        for name, artifact in declared.artifacts.items():
            found = outputs.artifacts[name].artifacts.add(
                name=name, uri=uris.join(task_root, name), type=artifact.artifact_type
            )
            if artifact.HasField("metadata"):
                found.metadata.CopyFrom(artifact.metadata)
        if self._settings.executor_logs:
            logs = outputs.artifacts[LOGS].artifacts.add(name=LOGS, uri=uris.join(task_root, LOGS))
            logs.type.schema_title = "system.Artifact"
        root = launcher_root.rstrip("/")
        for name in declared.parameters:
            outputs.parameters[name].output_file = f"{root}/tmp/kfp/outputs/{name}"
        if self._settings.output_file_in_task_root:
            folder = uris.local_path(task_root, launcher_root)
        else:
            folder = f"{root}/tmp/kfp_outputs"
        outputs.output_file = f"{folder}/output_metadata.json"

    def _look_into_cache(
        self,
        task: Task,
        run: RunContext,
        executor_input: ExecutorInput,
        execution: Execution,
        made: pod.Pod,
    ) -> bool:
        """Takes the outputs of an earlier execution with the same key (container.go:214)."""
        if not task.spec.caching_options.enable_cache:
            return False
        container = task.executor.container
        key = fingerprint(executor_input, task.component, container, made.claims)
        execution.fingerprint = key
        found = self._cache.find(key, run.pipeline_name)
        if found is None:
            return False
        earlier = self._metadata.executions[found]
        for name in executor_input.outputs.artifacts:  # driver/cache.go:41
            if name not in earlier.artifacts:
                raise plain_error(
                    "failed collect output artifact metadata from cache: unable to find artifact "
                    f"with name {name} in mlmd output artifacts"
                )
            execution.artifacts[name] = earlier.artifacts[name]
        execution.outputs.update(earlier.outputs)
        execution.state = "CACHED"
        return True

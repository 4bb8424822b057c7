"""The launcher: one attempt at a step in its pod (component/launcher_v2.go).

It downloads the inputs, runs the command, reads what the step says it made, and uploads that. All
attempts share the URIs of the outputs, but for the log's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import placeholders, uris
from tests.kubeflow.emulator.cache import TaskCache
from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.driver import LOGS, Decision
from tests.kubeflow.emulator.errors import BackendError, plain_error, prefixed
from tests.kubeflow.emulator.metadata import MetadataStore
from tests.kubeflow.emulator.object_store import ObjectStore
from tests.kubeflow.emulator.outputs import OutputRecorder, collect_parameters, read_output_file
from tests.kubeflow.emulator.run_context import RunContext
from tests.kubeflow.emulator.step import Step, StepRunner

ExecutorInput = pipeline_spec_pb2.ExecutorInput


@dataclass(frozen=True)
class Attempt:
    """One attempt.

    Attributes:
        number: 0 for the first.
        folder: The pod's file system, as far as it is the attempt's own.
        log: Where the step's output is kept.
        deadline_s: Seconds until Argo kills it because the time for retries is over, if so.
        retries: Whether the task has a retry policy.
    """

    number: int
    folder: Path
    log: Path
    deadline_s: float | None
    retries: bool


class Launcher:
    """Makes attempts."""

    def __init__(
        self,
        store: ObjectStore,
        metadata: MetadataStore,
        cache: TaskCache,
        runner: StepRunner,
    ) -> None:
        self._store, self._metadata, self._cache, self._runner = store, metadata, cache, runner

    def launch(self, task: Task, run: RunContext, decision: Decision, attempt: Attempt) -> None:
        """Makes an attempt (launcher_v2.go:178).

        Raises:
            BackendError: It failed, the step or what surrounds it.
        """
        execution, folder = decision.execution, attempt.folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        attempt.log.parent.mkdir(parents=True, exist_ok=True)
        executor_input = ExecutorInput()
        executor_input.CopyFrom(decision.executor_input)
        if LOGS in executor_input.outputs.artifacts:  # launcher_v2.go:538
            executor_input.outputs.artifacts[LOGS].artifacts[0].uri += f"-{attempt.number}"
        recorder = OutputRecorder(self._store, self._metadata, run.bucket, self._local(folder))
        try:
            with prefixed("failed to execute component"):
                self._run_step(task, decision, attempt, executor_input)
                output = read_output_file(self._host(folder, executor_input.outputs.output_file))
                outputs = collect_parameters(
                    executor_input, output, task.component, lambda path: self._host(folder, path)
                )
                artifacts = recorder.record(executor_input, output, attempt.log)
        except BackendError:
            execution.state = "FAILED"
            execution.artifacts.update(recorder.record_log(executor_input, attempt.log))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        execution.outputs.update(outputs)
        execution.artifacts.update(artifacts)
        execution.state = "COMPLETE"
        if execution.fingerprint:  # launcher_v2.go:301
            self._cache.add(execution.fingerprint, run.pipeline_name, execution.id)

    def _run_step(
        self, task: Task, decision: Decision, attempt: Attempt, executor_input: ExecutorInput
    ) -> None:
        if not decision.pod.command:  # launcher_v2.go:113
            raise plain_error("command and arguments are empty")
        with_defaults = placeholders.with_defaults(executor_input, task.component)
        command = placeholders.fill_in(
            decision.pod.command, with_defaults, self._runner.launcher_root(attempt.folder)
        )
        self._download(executor_input, attempt.folder)
        self._make_folders(executor_input, attempt.folder)
        limits = [decision.pod.deadline_s, attempt.deadline_s]
        env = dict(decision.pod.env)
        env |= {"KFP_POD_NAME": f"{task.name.lower()}-{attempt.number}", "KFP_POD_UID": "0"}
        if attempt.retries:  # argocompiler/container.go:587
            env["KFP_RETRY_INDEX"] = str(attempt.number)
        step = Step(
            task=task.name,
            attempt=attempt.number,
            image=decision.pod.image,
            command=tuple(command),
            env=env,
            mounts=decision.pod.mounts,
            scratch=decision.pod.scratch,
            folder=attempt.folder,
            log=attempt.log,
            deadline_s=min((limit for limit in limits if limit is not None), default=None),
        )
        code = self._runner.run(step)
        if code:
            raise plain_error(f"exit status {code}")

    def _download(self, executor_input: ExecutorInput, folder: Path) -> None:
        """Input artifacts, from any bucket (launcher_v2.go:927)."""
        for name, found in executor_input.inputs.artifacts.items():
            for artifact in found.artifacts:
                bucket = uris.artifact_bucket(artifact.uri)
                with prefixed(
                    f'failed to download input artifact "{name}" from remote storage URI '
                    f'"{artifact.uri}"'
                ):
                    self._store.download(
                        bucket, bucket.key(artifact.uri), self._local(folder)(artifact)
                    )

    def _make_folders(self, executor_input: ExecutorInput, folder: Path) -> None:
        """The folders in which outputs will lie, not the outputs' own (launcher_v2.go:1280)."""
        for parameter in executor_input.outputs.parameters.values():
            self._host(folder, parameter.output_file).parent.mkdir(parents=True, exist_ok=True)
        for found in executor_input.outputs.artifacts.values():
            for artifact in found.artifacts:
                Path(self._local(folder)(artifact)).parent.mkdir(parents=True, exist_ok=True)

    def _host(self, folder: Path, path: str) -> Path:
        """A path that the step sees, on this machine."""
        inside = self._runner.launcher_root(folder)
        return folder / path.lstrip("/") if inside == "/" else Path(path)

    def _local(self, folder: Path) -> Callable[[pipeline_spec_pb2.RuntimeArtifact], str]:
        """The launcher's path of an artifact on this machine (launcher_v2.go:1255)."""

        def path(artifact: pipeline_spec_pb2.RuntimeArtifact) -> str:
            if artifact.HasField("custom_path"):
                return str(self._host(folder, artifact.custom_path))
            return uris.local_path(artifact.uri, str(folder))

        return path

"""Starts runs on Vertex AI with `aiplatform.PipelineJob`, and asks what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from google.cloud import aiplatform
from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_state

from pipeline.config import ConfigError
from pipeline.kubeflow.clients.vertex.connection import TIMEOUT_S, Connection
from pipeline.kubeflow.remote_run import (
    Phase,
    RemoteRun,
    RemoteSchedule,
    RemoteStep,
    Request,
    RunStatus,
)
from pipeline.kubeflow.settings import RemoteConfig, VertexSettings
from pipeline.summary import State
from tfxkit.errors import UsageError

_PHASES: dict[int | None, Phase] = {
    pipeline_state.PipelineState.PIPELINE_STATE_SUCCEEDED: Phase.SUCCEEDED,
    pipeline_state.PipelineState.PIPELINE_STATE_FAILED: Phase.FAILED,
    pipeline_state.PipelineState.PIPELINE_STATE_CANCELLED: Phase.CANCELED,
}
_Task = pipeline_job.PipelineTaskDetail
_STATES: dict[int, State] = {
    _Task.State.SUCCEEDED: State.RUN,
    _Task.State.SKIPPED: State.CACHED,  # "skipped due to cache hit", says Vertex
    _Task.State.NOT_TRIGGERED: State.SKIPPED,
    _Task.State.CANCELLED: State.SKIPPED,
    _Task.State.FAILED: State.FAILED,
}
_LONGEST_LABEL = 63


def submit(request: Request, config: RemoteConfig) -> RemoteRun | RemoteSchedule:
    """Starts a run, or makes a schedule for it.

    Args:
        request: What to run.
        config: Says where, in the section `vertex`.

    Raises:
        UsageError: If Vertex cannot be reached, or refuses.
    """
    section = config.vertex
    if section is None:
        raise ConfigError("There is no section vertex in this configuration: --config vertex")
    if request.experiment:
        raise UsageError(
            "--experiment is for Kubeflow; on Vertex the runs of a pipeline are found by their "
            f"label pipeline={request.pipeline}"
        )
    connection = Connection(section)
    with connection.errors_explained():
        job = aiplatform.PipelineJob(
            display_name=request.name,
            template_path=str(request.file),
            pipeline_root=request.root,
            parameter_values=request.arguments,
            labels={"pipeline": request.pipeline[:_LONGEST_LABEL]},
        )
        if request.schedule is None:
            _create(job, section)
            return VertexRun(job.job_id, connection, request.steps)
        made = job.create_schedule(
            cron=request.schedule.for_vertex(),
            display_name=request.name,
            max_concurrent_run_count=1,
        )
    return RemoteSchedule(made.name, connection.page("schedules", made.name))


def _create(job: aiplatform.PipelineJob, section: VertexSettings) -> None:
    """Sends a job as `PipelineJob.submit` does, which goes for the bucket of the root first.

    That makes one where the name is mistyped, asks who owns one, and takes minutes where it gets no
    answer (google-cloud-aiplatform 1.165.1, aiplatform/pipeline_jobs.py:460, utils/gcs_utils.py).
    """
    message = pipeline_job.PipelineJob.from_json(json.dumps(job.to_dict()))
    message.service_account = section.service_account or ""
    message.network = section.network or ""
    job.api_client.create_pipeline_job(
        parent=f"projects/{job.project}/locations/{job.location}",
        pipeline_job=message,
        pipeline_job_id=job.job_id,
        timeout=TIMEOUT_S,
    )


class VertexRun:
    """A run on Vertex."""

    def __init__(self, job_id: str, connection: Connection, steps: Sequence[str]) -> None:
        """Takes the id of a job, and its steps in the order to show them in."""
        self.id = job_id
        self.page = connection.page("runs", job_id)
        self._connection = connection
        self._steps = steps

    def status(self) -> RunStatus:
        """Asks the service."""
        with self._connection.errors_explained(passing=True):
            job = aiplatform.PipelineJob.get(self.id).gca_resource
        phase = _PHASES.get(job.state, Phase.RUNNING)
        tasks = {task.task_name: task for task in job.job_detail.task_details}
        over = phase is not Phase.RUNNING
        steps = tuple(self._step(name, tasks.get(name), over) for name in self._steps)
        return RunStatus(phase, steps, job.error.message)

    def _step(self, name: str, task: Any, over: bool) -> RemoteStep:
        if task is None or task.state not in _STATES:
            if over:
                return RemoteStep(name, State.SKIPPED)
            return RemoteStep(name, running=task is not None)
        state = _STATES[task.state]
        seconds = 0.0
        if task.start_time and task.end_time:
            seconds = (task.end_time - task.start_time).total_seconds()
        log = self._how_to_read_log(task) if state is State.FAILED else ""
        return RemoteStep(name, state, seconds=seconds, error=task.error.message, log=log)

    def _how_to_read_log(self, task: _Task) -> str:
        """Vertex runs each container as a custom job, whose name it tells."""
        job = task.executor_detail.container_detail.main_job
        return f"gcloud ai custom-jobs stream-logs {job}" if job else ""

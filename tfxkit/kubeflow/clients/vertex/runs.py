"""Starts runs on Vertex AI with `aiplatform.PipelineJob`, and asks what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from google.api_core import exceptions as api_exceptions
from google.cloud import aiplatform
from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_state

from tfxkit.config.loading import ConfigError
from tfxkit.config.remote.settings import RemoteConfig, VertexSettings
from tfxkit.errors import UsageError
from tfxkit.kubeflow import lost_answers
from tfxkit.kubeflow.clients.vertex.connection import TIMEOUT_S, Connection
from tfxkit.kubeflow.remote_run import (
    Phase,
    RemoteRun,
    RemoteSchedule,
    RemoteStep,
    Request,
    RunStatus,
)
from tfxkit.kubeflow.schedule import Schedule
from tfxkit.runs.summary import State

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
_SUBMISSION = "submission"  # the label by which a submission finds what it created


def submit(request: Request, config: RemoteConfig) -> RemoteRun | RemoteSchedule:
    """Starts a run, or makes a schedule for it.

    Args:
        request: What to run.
        config: Says where, in the section `vertex`.

    Raises:
        UsageError: If Vertex cannot be reached, or refuses; also if the outcome is unknown.
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
            labels={
                "pipeline": request.pipeline[:_LONGEST_LABEL],
                _SUBMISSION: request.submission,
            },
        )
    if request.schedule is None:
        job_id = _create_job(job, request, connection, section)
        return VertexRun(job_id, connection, request.steps)
    name = _create_schedule(job, request, request.schedule, connection)
    return RemoteSchedule(name, connection.page("schedules", name))


def _create_job(
    job: aiplatform.PipelineJob, request: Request, connection: Connection, section: VertexSettings
) -> str:
    """Creates a job, whose id the client chose: the pipeline's name and the time in seconds."""

    def send() -> str:
        with connection.errors_explained(creating=True):
            _send_job(job, section)
            return str(job.job_id)

    def look_up() -> str | None:
        name = f"{_parent(job)}/pipelineJobs/{job.job_id}"
        with connection.errors_explained(passing=True):
            try:
                found = job.api_client.get_pipeline_job(name=name, timeout=TIMEOUT_S)
            except api_exceptions.NotFound:
                return None
        is_own = found.labels.get(_SUBMISSION) == request.submission
        return str(job.job_id) if is_own else None

    return lost_answers.create(
        send,
        look_up,
        "Whether the run was created is unknown. Before you submit again, look for it: "
        f"{connection.page('runs', job.job_id)}",
    )


def _create_schedule(
    job: aiplatform.PipelineJob, request: Request, schedule: Schedule, connection: Connection
) -> str:
    """Creates a schedule, whose id Vertex chooses, and returns that."""

    def send() -> str:
        with connection.errors_explained(creating=True):
            made = job.create_schedule(
                cron=schedule.for_vertex(),
                display_name=request.name,
                max_concurrent_run_count=1,
                create_request_timeout=TIMEOUT_S,
            )
            return str(made.name)

    def look_up() -> str | None:
        with connection.errors_explained(passing=True):
            found = aiplatform.PipelineJobSchedule.list(
                filter=f"display_name={json.dumps(request.name)}"
            )
            for one in found:
                sent = one.to_dict().get("createPipelineJobRequest", {}).get("pipelineJob", {})
                if sent.get("labels", {}).get(_SUBMISSION) == request.submission:
                    return str(one.name)
        return None

    return lost_answers.create(
        send,
        look_up,
        "Whether the schedule was created is unknown. Before you submit again, look among the "
        f"schedules of Vertex AI Pipelines for {request.name!r} with the label "
        f"{_SUBMISSION}={request.submission}.",
    )


def _parent(job: aiplatform.PipelineJob) -> str:
    return f"projects/{job.project}/locations/{job.location}"


def _send_job(job: aiplatform.PipelineJob, section: VertexSettings) -> None:
    """Sends a job as `PipelineJob.submit` does, which goes for the bucket of the root first.

    That makes one where the name is mistyped, asks who owns one, and takes minutes where it gets no
    answer (google-cloud-aiplatform 1.165.1, aiplatform/pipeline_jobs.py:460, utils/gcs_utils.py).
    """
    message = pipeline_job.PipelineJob.from_json(json.dumps(job.to_dict()))
    message.service_account = section.service_account or ""
    message.network = section.network or ""
    job.api_client.create_pipeline_job(
        parent=_parent(job),
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

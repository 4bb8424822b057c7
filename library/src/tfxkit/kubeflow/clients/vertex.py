"""Vertex AI Pipelines, by means of `google.cloud.aiplatform.PipelineJob`."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import google.auth.exceptions
import requests
import urllib3
from google.api_core import exceptions as api_exceptions
from google.cloud import aiplatform
from google.cloud.aiplatform_v1.types import pipeline_job, pipeline_state

from tfxkit.config.loading import Config, ConfigError
from tfxkit.config.remote import VertexSettings
from tfxkit.errors import UsageError
from tfxkit.kubeflow.remote_run import (
    LostAnswerError,
    NoAnswerError,
    Phase,
    RemoteRun,
    RemoteSchedule,
    RemoteStep,
    Request,
    RunStatus,
    create_once,
)
from tfxkit.kubeflow.schedule import Schedule
from tfxkit.runs.summary import State

TIMEOUT_S = 60.0  # to answer
_LOGIN = "gcloud auth application-default login"
_NO_PROJECT = (
    "No project is set: set vertex.project in the configuration, or run gcloud config set project"
)

_PHASES: dict[int | None, Phase] = {
    pipeline_state.PipelineState.PIPELINE_STATE_SUCCEEDED: Phase.SUCCEEDED,
    pipeline_state.PipelineState.PIPELINE_STATE_FAILED: Phase.FAILED,
    pipeline_state.PipelineState.PIPELINE_STATE_CANCELLED: Phase.CANCELED,
}
_Task = pipeline_job.PipelineTaskDetail
_STATES: dict[int, State] = {
    _Task.State.SUCCEEDED: State.RUN,
    _Task.State.SKIPPED: State.CACHED,  # "skipped due to cache hit" in the API's reference
    _Task.State.NOT_TRIGGERED: State.SKIPPED,
    _Task.State.CANCELLED: State.SKIPPED,
    _Task.State.FAILED: State.FAILED,
}
_LONGEST_LABEL = 63
_SUBMISSION = "submission"  # the label by which a submission finds its run or schedule


def submit(request: Request, config: Config) -> RemoteRun | RemoteSchedule:
    """Starts a run, or creates a schedule for it.

    Args:
        request: The package and the options of the run.
        config: Has project and region, in the section `vertex`.

    Raises:
        UsageError: If Vertex is unreachable or refuses, or the outcome is unknown.
    """
    section = config.vertex
    if section is None:
        raise ConfigError("There is no section vertex in this configuration: --config vertex")
    if request.experiment:
        raise UsageError(
            "--experiment is for Kubeflow; on Vertex the runs of a pipeline are found by their "
            f"label pipeline={request.pipeline}"
        )
    connection = VertexConnection(section)
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


class VertexConnection:
    """The official client, set to a project and a region."""

    def __init__(self, section: VertexSettings) -> None:
        """Finds application default credentials, and the project.

        Raises:
            UsageError: If there are none.
        """
        self._location = section.location
        with self.errors_explained():
            aiplatform.init(
                project=section.project,
                location=section.location,
                service_account=section.service_account,
                network=section.network,
                encryption_spec_key_name=section.encryption_key,
                # Not gRPC, which ignores proxies and waits silently for an answer.
                api_transport="rest",
            )
            try:
                self._project = aiplatform.initializer.global_config.project
            except ValueError:
                raise UsageError(_NO_PROJECT) from None

    def page(self, collection: str, name: str) -> str:
        """Address of a page of the console."""
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{self._location}/pipelines/"
            f"{collection}/{name}?project={self._project}"
        )

    @contextlib.contextmanager
    def errors_explained(self, passing: bool = False, creating: bool = False) -> Iterator[None]:
        """Turns the errors of the client into errors with a text for people.

        Args:
            passing: True if the service has answered before, so that silence may pass.
            creating: True if the request creates something, which must not happen twice.

        Raises:
            LostAnswerError: If the request may have been carried out, and `creating`.
            NoAnswerError: If the service does not answer, and `passing`.
            UsageError: For all other errors.
        """
        silence = (
            requests.RequestException,
            google.auth.exceptions.TransportError,
            api_exceptions.ServerError,
            api_exceptions.RetryError,
        )
        try:
            yield
        except silence as error:
            if creating and _was_sent(error):
                raise LostAnswerError(
                    f"Vertex AI in {self._location} has not answered: {_first_line(error)}"
                ) from None
            text = (
                f"Vertex AI in {self._location} does not answer: {_first_line(error)}\n"
                "Is the region right (vertex.location in the configuration), and is there a way "
                "to it from here (HTTPS_PROXY)?"
            )
            raise NoAnswerError(text) if passing else UsageError(text) from None
        except google.auth.exceptions.RefreshError as error:
            raise UsageError(
                f"The credentials are no longer valid ({_first_line(error)}): {_LOGIN}"
            ) from None
        except google.auth.exceptions.GoogleAuthError as error:
            raise UsageError(_incomplete(error)) from None
        except ValueError as error:  # the client's own checks
            raise UsageError(f"Vertex AI's client refuses: {error}") from None
        except api_exceptions.Unauthorized as error:
            raise UsageError(
                f"Not authenticated with Vertex AI: {_message(error)}\nRun {_LOGIN}"
            ) from None
        except api_exceptions.Forbidden as error:
            raise UsageError(
                f"Vertex AI does not allow this in {self._project}: {_message(error)}\n"
                "You need roles/aiplatform.user, and roles/iam.serviceAccountUser on the service "
                "account of the runs; the API must be enabled (gcloud services enable "
                "aiplatform.googleapis.com)"
            ) from None
        except api_exceptions.GoogleAPICallError as error:
            text = f"Vertex AI refuses ({error.code}): {_message(error)}"
            if creating and isinstance(error, api_exceptions.Conflict):  # a repeated request
                raise LostAnswerError(text) from None
            raise UsageError(text) from None


class VertexRun:
    """A run on Vertex."""

    def __init__(self, job_id: str, connection: VertexConnection, steps: Sequence[str]) -> None:
        """Takes the id of a job, and its steps in the order of the screen."""
        self.id = job_id
        self.page = connection.page("runs", job_id)
        self._connection = connection
        self._steps = steps

    def status(self) -> RunStatus:
        """Requests the status from the service."""
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
        log = self._log_command(task) if state is State.FAILED else ""
        return RemoteStep(name, state, seconds=seconds, error=task.error.message, log=log)

    def _log_command(self, task: _Task) -> str:
        """Vertex runs each container as a custom job, whose name is in the task."""
        job = task.executor_detail.container_detail.main_job
        return f"gcloud ai custom-jobs stream-logs {job}" if job else ""


def _create_job(
    job: aiplatform.PipelineJob,
    request: Request,
    connection: VertexConnection,
    section: VertexSettings,
) -> str:
    """Creates a job; the client chose its id, the pipeline's name and the time in seconds."""

    def send() -> str:
        with connection.errors_explained(creating=True):
            _send_job(job, section)
            return str(job.job_id)

    def look_up() -> str | None:
        name = f"{_parent(job)}/pipelineJobs/{job.job_id}"
        with connection.errors_explained(passing=True):
            try:
                known = job.api_client.get_pipeline_job(name=name, timeout=TIMEOUT_S)
            except api_exceptions.NotFound:
                return None
        is_own = known.labels.get(_SUBMISSION) == request.submission
        return str(job.job_id) if is_own else None

    return create_once(
        send,
        look_up,
        "Whether the run was created is unknown. Before you submit again, look for it: "
        f"{connection.page('runs', job.job_id)}",
    )


def _create_schedule(
    job: aiplatform.PipelineJob, request: Request, schedule: Schedule, connection: VertexConnection
) -> str:
    """Creates a schedule; returns its id, which Vertex chooses."""

    def send() -> str:
        with connection.errors_explained(creating=True):
            created = job.create_schedule(
                cron=schedule.for_vertex(),
                display_name=request.name,
                max_concurrent_run_count=1,
                create_request_timeout=TIMEOUT_S,
            )
            return str(created.name)

    def look_up() -> str | None:
        with connection.errors_explained(passing=True):
            schedules = aiplatform.PipelineJobSchedule.list(
                filter=f"display_name={json.dumps(request.name)}"
            )
            for candidate in schedules:
                sent = (
                    candidate.to_dict().get("createPipelineJobRequest", {}).get("pipelineJob", {})
                )
                if sent.get("labels", {}).get(_SUBMISSION) == request.submission:
                    return str(candidate.name)
        return None

    return create_once(
        send,
        look_up,
        "Whether the schedule was created is unknown. Before you submit again, look among the "
        f"schedules of Vertex AI Pipelines for {request.name!r} with the label "
        f"{_SUBMISSION}={request.submission}.",
    )


def _parent(job: aiplatform.PipelineJob) -> str:
    return f"projects/{job.project}/locations/{job.location}"


def _send_job(job: aiplatform.PipelineJob, section: VertexSettings) -> None:
    """Sends a job like `PipelineJob.submit`, but without its access to the bucket of the root.

    That creates a bucket for a mistyped name, requests the owner of an existing one, and takes
    minutes without an answer (google-cloud-aiplatform 1.165.1, aiplatform/pipeline_jobs.py:460,
    utils/gcs_utils.py).
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


def _was_sent(error: Exception) -> bool:
    """False if there was no connection to send anything over, or no token to send with it."""
    if isinstance(error, google.auth.exceptions.TransportError):
        return False
    reason = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)  # requests wraps an error of urllib3
    return not isinstance(
        reason, urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError
    )


def _message(error: api_exceptions.GoogleAPICallError) -> str:
    """The service's message, without the request that it answers."""
    return re.sub(r"^[A-Z]+ https?://\S+: ", "", error.message)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _incomplete(error: google.auth.exceptions.GoogleAuthError) -> str:
    """Message about missing credentials, which the client also reports for a missing project."""
    missing = google.auth.exceptions.DefaultCredentialsError
    if isinstance(error, missing) or isinstance(error.__cause__, missing):
        return f"There are no credentials for Google Cloud: {_LOGIN}"
    return f"The credentials for Google Cloud cannot be used ({_first_line(error)}): {_LOGIN}"

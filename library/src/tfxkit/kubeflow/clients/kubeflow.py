"""Kubeflow Pipelines 2.x, by means of `kfp.Client`.

A run's name need not be unique, and the server chooses its id. So each request carries a unique
mark in the description, by which the run is found if the answer is lost.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import kfp
import kfp_server_api
import urllib3
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from tfxkit.config.loading import Config, ConfigError
from tfxkit.config.remote import KubeflowSettings
from tfxkit.errors import UsageError
from tfxkit.kubeflow.package import read_package
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
from tfxkit.runs.summary import State

HOST_VARIABLE = "KF_PIPELINES_ENDPOINT"
UI_VARIABLE = "KF_PIPELINES_UI_ENDPOINT"
TOKEN_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 (a path, not a token)
PORT_FORWARD = "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80"

TIMEOUT_S = (4, 20)  # to connect, to answer
CREATE_TIMEOUT_S = (4, 60)
# urllib3's default, three attempts, repeats a POST after any error of TLS, also after the server
# has carried out the request (urllib3 2.8.0, util/retry.py, increment: "Other retry?").
_RETRIES = urllib3.Retry(3, other=0)

_PHASES = {
    "SUCCEEDED": Phase.SUCCEEDED,
    "SKIPPED": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "CANCELED": Phase.CANCELED,
}
_STATES = {"SUCCEEDED": State.RUN, "SKIPPED": State.SKIPPED, "FAILED": State.FAILED}
_CACHED_WITHIN_S = 2

_SERVER_ERROR = 500
_NOT_THERE = (0, 404)  # 0: no TLS
_CONFLICT = 409
# The API server's own refusals. Any other status from 500 on may come from a gateway before it,
# which reports only that there was no answer.
_REFUSALS = (500, 501)
_MOST_LINES = 5  # the server adds the place of an error in its sources
_LOGIN_PAGE = (
    "answers with a page for people, a login most likely: the client has no valid session there. "
    f"Give it one by a port-forward ({PORT_FORWARD}, host http://localhost:8080), or by a token "
    f"file ({TOKEN_VARIABLE})"
)
_HINTS = {
    401: "The token has expired, or is not this server's: log in again (kubeconfig), or renew the "
    f"token file ({TOKEN_VARIABLE})",
    403: "Ask for the role kubeflow-edit in the namespace of the runs, or choose another "
    "(kubeflow.namespace in the configuration)",
}


def submit(request: Request, config: Config) -> RemoteRun | RemoteSchedule:
    """Starts a run, or creates a recurring one.

    Args:
        request: The package and the options of the run.
        config: Has the address of the backend, in the section `kubeflow`.

    Raises:
        UsageError: If Kubeflow is unreachable or refuses, or the outcome is unknown.
    """
    section = config.kubeflow
    if section is None:
        raise ConfigError("There is no section kubeflow in this configuration: --config kubeflow")
    connection = KubeflowConnection(section)
    experiment = connection.experiment_id(
        request.experiment or section.experiment or request.pipeline
    )
    mark = f"submission {request.submission}"
    # The backend does not read the root in the package (nothing in its Go sources does).
    fields = {
        "display_name": request.name,
        "description": mark,
        "experiment_id": experiment,
        "pipeline_spec": _documents(request),
        "runtime_config": kfp_server_api.V2beta1RuntimeConfig(
            parameters=request.arguments, pipeline_root=request.root
        ),
        "service_account": section.service_account,
    }
    filters = {"experiment_id": experiment, "filter": _equals("description", mark)}
    if request.schedule is None:
        run_id = _create_run(connection, fields, filters, mark)
        return KubeflowRun(run_id, connection, request.steps)
    trigger = kfp_server_api.V2beta1Trigger(
        cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=request.schedule.for_kubeflow())
    )
    recurring_run_id = _create_recurring_run(
        connection, fields | {"trigger": trigger}, filters, mark
    )
    return RemoteSchedule(
        recurring_run_id, connection.address.page(f"recurringrun/details/{recurring_run_id}")
    )


@dataclasses.dataclass(frozen=True)
class Address:
    """Address of the API; without a host the client finds its own way."""

    host: str | None

    def __str__(self) -> str:
        """Name of the server in messages."""
        return f"Kubeflow's API at {self.host}" if self.host else "Kubeflow's API"

    @property
    def hint(self) -> str:
        """Advice if no server answers."""
        if self.host:
            return (
                "Is the address right (kubeflow.host in the configuration, or "
                f"{HOST_VARIABLE}), and is its port-forward still running?"
            )
        return (
            f"No address is given (kubeflow.host in the configuration, or {HOST_VARIABLE}), so it "
            "was looked for in this cluster and by way of kubeconfig"
        )

    def page(self, path: str) -> str:
        """Address of a page of Kubeflow's UI, or the command that makes it reachable."""
        if host := os.environ.get(UI_VARIABLE) or self.host:
            scheme = "" if host.startswith("http") else "https://"
            return f"{scheme}{host.rstrip('/')}/#/{path}"
        return f"http://localhost:8080/#/{path} after: {PORT_FORWARD}"


class NoMessageError(Exception):
    """An answer that is no message of the API."""


class _Client(kfp.Client):
    """Sends no POST twice, and requests the server's health once, with a time limit.

    kfp 2.16.1 tries five times, five seconds apart, without a limit and with a traceback in the
    log for each (client/client.py:427), and takes the page of a login for an answer.
    """

    def __init__(self, host: str | None, credentials: Any) -> None:
        super().__init__(host=host, credentials=credentials)
        pools = self.runs.api_client.rest_client.pool_manager
        pools.connection_pool_kw["retries"] = _RETRIES

    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:
        """The answer of the server."""
        answer = self.healthzs.healthz_service_get_healthz(
            _preload_content=False, _request_timeout=TIMEOUT_S
        )
        try:
            body = json.loads(answer.data)
        except ValueError:
            raise NoMessageError from None
        return kfp_server_api.V2beta1GetHealthzResponse(multi_user=bool(body.get("multi_user")))


class KubeflowConnection:
    """The official client, connected to its server.

    Attributes:
        client: The official client.
        address: Address of the server.
        namespace: Namespace of the runs; None on a server for a single user.
    """

    def __init__(self, section: KubeflowSettings) -> None:
        """Connects by host, environment, kubeconfig or token file.

        Raises:
            UsageError: If that does not succeed within seconds, with the reason and the cure.
        """
        self.address = Address(section.host or os.environ.get(HOST_VARIABLE))
        # Outside a cluster the client reads a token file only with explicit credentials.
        token_file = os.environ.get(TOKEN_VARIABLE)
        credentials = ServiceAccountTokenVolumeCredentials(token_file) if token_file else None
        with self.errors_explained(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about servers that are years old
            self.client = _Client(host=self.address.host, credentials=credentials)
            health = self.client.get_kfp_healthz()
        self.namespace = section.namespace or self.client.get_user_namespace() or None
        if health.multi_user and not self.namespace:
            raise UsageError(
                f"{self.address} serves several users: set the namespace of the runs "
                "(kubeflow.namespace in the configuration)"
            )

    @contextlib.contextmanager
    def errors_explained(self, passing: bool = False, creating: bool = False) -> Iterator[None]:
        """Turns the errors of the client into errors with a text for people.

        Args:
            passing: True if the server has answered before, so that silence may pass.
            creating: True if the request creates something, which must not happen twice.

        Raises:
            LostAnswerError: If the request may have been carried out, and `creating`.
            NoAnswerError: If the server does not answer, and `passing`.
            UsageError: For all other errors.
        """
        try:
            yield
        except urllib3.exceptions.HTTPError as error:
            if creating and _was_sent(error):
                text = f"{self.address} has not answered: {_reason(error)}"
                raise LostAnswerError(text) from None
            text = f"{self.address} cannot be reached: {_reason(error)}\n{self.address.hint}"
            raise NoAnswerError(text) if passing else UsageError(text) from None
        except NoMessageError:
            text = f"{self.address} {_LOGIN_PAGE}"
            raise LostAnswerError(text) if creating else UsageError(text) from None
        except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
            raise UsageError(f"{error.filename}: {error.strerror} ({TOKEN_VARIABLE})") from None
        except kfp_server_api.ApiException as error:
            raise self._explained(error, passing, creating) from None

    def _explained(
        self, error: kfp_server_api.ApiException, passing: bool, creating: bool
    ) -> Exception:
        hint = self.address.hint if error.status in _NOT_THERE else _HINTS.get(error.status, "")
        answer = f"({error.status or 'TLS'}): {_message(error)}"
        text = f"{self.address} refuses {answer}\n{hint}".rstrip()
        status = error.status or _SERVER_ERROR
        if passing and status >= _SERVER_ERROR:
            return NoAnswerError(text)
        if creating and error.status == _CONFLICT:  # a faster submission, or the same one twice
            return LostAnswerError(text)
        if creating and status >= _SERVER_ERROR and error.status not in _REFUSALS:
            return LostAnswerError(f"{self.address} has not answered {answer}")
        return UsageError(text)

    def experiment_id(self, name: str) -> str:
        """Id of an experiment, which is created if need be.

        Names of experiments are unique: one from another submission at the same moment, or from a
        request with a lost answer, is found by its name.

        Raises:
            UsageError: If Kubeflow cannot be reached, or refuses.
        """
        known = self._find_experiment(name)
        if known:
            return known

        def send() -> str:
            experiment = kfp_server_api.V2beta1Experiment(
                display_name=name, namespace=self.namespace
            )
            with self.errors_explained(creating=True):
                created = self.client.experiments.experiment_service_create_experiment(
                    experiment, _request_timeout=CREATE_TIMEOUT_S
                )
                return _created_id(created.experiment_id)

        return create_once(
            send,
            lambda: self._find_experiment(name, passing=True),
            f"Whether the experiment {name!r} was created is unknown. No run was started: submit "
            "again.",
        )

    def _find_experiment(self, name: str, passing: bool = False) -> str | None:
        namespace = {"namespace": self.namespace} if self.namespace else {}
        with self.errors_explained(passing):
            answer = self.client.experiments.experiment_service_list_experiments(
                filter=_equals("display_name", name), _request_timeout=TIMEOUT_S, **namespace
            )
        return answer.experiments[0].experiment_id if answer.experiments else None

    def get_run(self, run_id: str) -> Any:
        """The server's record of a run.

        Raises:
            NoAnswerError: If the server does not answer, which may pass.
            UsageError: If it refuses, or the answer is no run.
        """
        with self.errors_explained(passing=True):
            run = self.client.runs.run_service_get_run(run_id, _request_timeout=TIMEOUT_S)
            if run.run_id != run_id:  # the client makes an empty run of any answer
                raise NoMessageError
        return run


class KubeflowRun:
    """A run on Kubeflow."""

    def __init__(self, run_id: str, connection: KubeflowConnection, steps: Sequence[str]) -> None:
        """Takes the run's id, and the steps of its pipeline in the order of the screen."""
        self.id = run_id
        self.page = connection.address.page(f"runs/details/{run_id}")
        self._connection = connection
        self._steps = steps

    def status(self) -> RunStatus:
        """Requests the status from the API server."""
        run = self._connection.get_run(self.id)
        phase = _PHASES.get(run.state, Phase.RUNNING)
        nodes = Nodes((run.run_details and run.run_details.task_details) or [])
        steps = [nodes.step(name, over=phase is not Phase.RUNNING) for name in self._steps]
        log = self._log_command()
        steps = [
            dataclasses.replace(step, log=log) if step.state is State.FAILED else step
            for step in steps
        ]
        error = run.error.message if run.error and run.error.message else ""
        return RunStatus(phase, tuple(steps), error)

    def _log_command(self) -> str:
        """The pods have the run's id as a label (kubeflow/pipelines 2.17, v2_template.go:420)."""
        namespace = self._connection.namespace or "kubeflow"
        return f"kubectl logs -n {namespace} -l pipeline/runid={self.id} -c main --prefix --tail=50"


@dataclasses.dataclass(frozen=True)
class Nodes:
    """Nodes of Argo's workflow, which the API reports for a run, and the steps that they make up.

    A step X has several: `X-driver` prepares it, `X` is it, and in that is an `executor`, which is
    skipped if the cache had the outputs. The API reports neither the step of an executor nor the
    reason why a node failed (kubeflow/pipelines 2.17, apiserver/server/api_converter.go:1875-1931).
    """

    details: Sequence[kfp_server_api.V2beta1PipelineTaskDetail]

    def step(self, name: str, over: bool) -> RemoteStep:
        """State of a step; after the end of the run, a step without nodes was not reached."""
        node, driver = self._find(name), self._find(f"{name}-driver")
        if driver is not None and driver.state == "FAILED":
            error = "its driver failed, before the step itself was started"
            return RemoteStep(name, State.FAILED, seconds=_seconds(driver), error=error)
        if node is not None and node.state in _STATES:
            state = State.CACHED if self._is_cached(node) else _STATES[node.state]
            error = node.error.message if node.error and node.error.message else ""
            return RemoteStep(name, state, seconds=_seconds(node), error=error)
        if over:
            return RemoteStep(name, State.SKIPPED)
        begun = any(detail is not None and detail.state for detail in (node, driver))
        return RemoteStep(name, running=begun)

    def _find(self, name: str) -> kfp_server_api.V2beta1PipelineTaskDetail | None:
        return next((detail for detail in self.details if detail.display_name == name), None)

    def _is_cached(self, node: kfp_server_api.V2beta1PipelineTaskDetail) -> bool:
        return (
            node.state == "SUCCEEDED"
            and _seconds(node) <= _CACHED_WITHIN_S
            and any(
                detail.display_name == "executor"
                and detail.state == "SKIPPED"
                and node.start_time <= detail.start_time <= node.end_time
                for detail in self.details
            )
        )


def _documents(request: Request) -> dict[str, Any]:
    """The package in one mapping, as `kfp.Client` sends it (kfp 2.16.1, client/client.py:67).

    Caching stays as the package has it; the client's `enable_caching` is for all steps or none.
    """
    package = read_package(request.file)
    if not package.platform:
        return package.spec
    return {"pipeline_spec": package.spec, "platform_spec": package.platform}


def _create_run(
    connection: KubeflowConnection, fields: dict[str, Any], filters: dict[str, str], mark: str
) -> str:
    runs = connection.client.runs

    def send() -> str:
        run = kfp_server_api.V2beta1Run(**fields)
        return runs.run_service_create_run(run, _request_timeout=CREATE_TIMEOUT_S).run_id

    def look_up() -> str | None:
        answer = runs.run_service_list_runs(**filters, _request_timeout=TIMEOUT_S)
        return answer.runs[0].run_id if answer.runs else None

    page = connection.address.page(f"experiments/details/{fields['experiment_id']}")
    return _create(connection, send, look_up, _advice("run", mark, page))


def _create_recurring_run(
    connection: KubeflowConnection, fields: dict[str, Any], filters: dict[str, str], mark: str
) -> str:
    recurring_runs = connection.client.recurring_runs

    def send() -> str:
        recurring_run = kfp_server_api.V2beta1RecurringRun(
            **fields,
            mode="ENABLE",
            max_concurrency=1,
            no_catchup=True,  # after a pause one run on the newest data, not one for each missed
        )
        return recurring_runs.recurring_run_service_create_recurring_run(
            recurring_run, _request_timeout=CREATE_TIMEOUT_S
        ).recurring_run_id

    def look_up() -> str | None:
        answer = recurring_runs.recurring_run_service_list_recurring_runs(
            **filters, _request_timeout=TIMEOUT_S
        )
        return answer.recurring_runs[0].recurring_run_id if answer.recurring_runs else None

    page = connection.address.page("recurringruns")
    return _create(connection, send, look_up, _advice("recurring run", mark, page))


def _create(
    connection: KubeflowConnection,
    send: Callable[[], str | None],
    look_up: Callable[[], str | None],
    advice: str,
) -> str:
    """Creates something once, with the errors of both requests explained; returns its id."""

    def send_explained() -> str:
        with connection.errors_explained(creating=True):
            return _created_id(send())

    def look_up_explained() -> str | None:
        with connection.errors_explained(passing=True):
            return look_up()

    return create_once(send_explained, look_up_explained, advice)


def _advice(noun: str, mark: str, page: str) -> str:
    return (
        f"Whether the {noun} was created is unknown. Before you submit again, look for one with "
        f"the description {mark!r}: {page}"
    )


def _equals(field: str, value: str) -> str:
    """A filter of the API's lists (kubeflow/pipelines 2.17, backend/api/v2beta1/filter.proto)."""
    predicate = {"operation": "EQUALS", "key": field, "stringValue": value}
    return json.dumps({"predicates": [predicate]})


def _created_id(value: str | None) -> str:
    """The id in an answer.

    Raises:
        NoMessageError: If there is none: the client makes an empty message of any answer.
    """
    if not value:
        raise NoMessageError
    return value


def _seconds(node: kfp_server_api.V2beta1PipelineTaskDetail) -> float:
    """Duration of a node; 0 before its end, which the API reports as a time before the start."""
    if node.end_time is None or node.start_time is None:
        return 0.0
    return max(0.0, (node.end_time - node.start_time).total_seconds())


def _was_sent(error: urllib3.exceptions.HTTPError) -> bool:
    """False if there was no connection to send anything over."""
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason:
        return not isinstance(
            error.reason,
            urllib3.exceptions.ConnectTimeoutError
            | urllib3.exceptions.ProxyError  # before the tunnel is there
            | urllib3.exceptions.ResponseError,  # redirected too often
        )
    return True


def _reason(error: Exception) -> str:
    """The innermost reason, without the name of urllib3's object."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.ProtocolError) and len(reason.args) > 1:
        reason = reason.args[1]
    return re.sub(r"^\w+\(.*?\): ", "", str(reason))


def _message(error: kfp_server_api.ApiException) -> str:
    """The server's message."""
    try:
        body = json.loads(error.body)
        text = str(body.get("message") or body.get("error") or body)
    except (TypeError, ValueError, AttributeError):
        text = str(error.reason or error.body or "no reason is given")
    return "\n".join(text.splitlines()[:_MOST_LINES])

"""Starts runs on Kubeflow Pipelines with `kfp.Client`, and asks what became of them.

A run's name need not be unique, and the server chooses its id. So each request carries a mark of
its own in the description, by which the run is found where the answer is lost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import kfp_server_api

from tfxkit.config.loading import ConfigError
from tfxkit.config.remote.settings import RemoteConfig
from tfxkit.kubeflow import lost_answers
from tfxkit.kubeflow.clients.kubeflow.connection import (
    CREATE_TIMEOUT_S,
    TIMEOUT_S,
    Connection,
    created_id,
    equals,
)
from tfxkit.kubeflow.clients.kubeflow.nodes import Nodes
from tfxkit.kubeflow.package import read_package
from tfxkit.kubeflow.remote_run import (
    Phase,
    RemoteRun,
    RemoteSchedule,
    Request,
    RunStatus,
)
from tfxkit.runs.summary import State

_PHASES = {
    "SUCCEEDED": Phase.SUCCEEDED,
    "SKIPPED": Phase.SUCCEEDED,
    "FAILED": Phase.FAILED,
    "CANCELED": Phase.CANCELED,
}


def submit(request: Request, config: RemoteConfig) -> RemoteRun | RemoteSchedule:
    """Starts a run, or makes a recurring one.

    Args:
        request: What to run.
        config: Says where, in the section `kubeflow`.

    Raises:
        UsageError: If Kubeflow cannot be reached, or refuses; also if the outcome is unknown.
    """
    section = config.kubeflow
    if section is None:
        raise ConfigError("There is no section kubeflow in this configuration: --config kubeflow")
    connection = Connection(section)
    experiment = connection.experiment_id(
        request.experiment or section.experiment or request.pipeline
    )
    mark = f"submission {request.submission}"
    # The backend does not read the root in the package (nothing in its Go sources does).
    common = {
        "display_name": request.name,
        "description": mark,
        "experiment_id": experiment,
        "pipeline_spec": _documents(request),
        "runtime_config": kfp_server_api.V2beta1RuntimeConfig(
            parameters=request.arguments, pipeline_root=request.root
        ),
        "service_account": section.service_account,
    }
    listed = {"experiment_id": experiment, "filter": equals("description", mark)}
    if request.schedule is None:
        run_id = _create_run(connection, common, listed, mark)
        return KubeflowRun(run_id, connection, request.steps)
    trigger = kfp_server_api.V2beta1Trigger(
        cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=request.schedule.for_kubeflow())
    )
    recurring_run_id = _create_recurring_run(
        connection, common | {"trigger": trigger}, listed, mark
    )
    return RemoteSchedule(
        recurring_run_id, connection.address.page(f"recurringrun/details/{recurring_run_id}")
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
    connection: Connection, fields: dict[str, Any], listed: dict[str, str], mark: str
) -> str:
    runs = connection.client.runs

    def send() -> str:
        run = kfp_server_api.V2beta1Run(**fields)
        with connection.errors_explained(creating=True):
            made = runs.run_service_create_run(run, _request_timeout=CREATE_TIMEOUT_S)
            return created_id(made.run_id)

    def look_up() -> str | None:
        with connection.errors_explained(passing=True):
            found = runs.run_service_list_runs(**listed, _request_timeout=TIMEOUT_S).runs
        return found[0].run_id if found else None

    page = connection.address.page(f"experiments/details/{fields['experiment_id']}")
    return lost_answers.create(send, look_up, _advice("run", mark, page))


def _create_recurring_run(
    connection: Connection, fields: dict[str, Any], listed: dict[str, str], mark: str
) -> str:
    recurring_runs = connection.client.recurring_runs

    def send() -> str:
        recurring_run = kfp_server_api.V2beta1RecurringRun(
            **fields,
            mode="ENABLE",
            max_concurrency=1,
            no_catchup=True,  # after a pause one run on the newest data, not one for each missed
        )
        with connection.errors_explained(creating=True):
            made = recurring_runs.recurring_run_service_create_recurring_run(
                recurring_run, _request_timeout=CREATE_TIMEOUT_S
            )
            return created_id(made.recurring_run_id)

    def look_up() -> str | None:
        with connection.errors_explained(passing=True):
            found = recurring_runs.recurring_run_service_list_recurring_runs(
                **listed, _request_timeout=TIMEOUT_S
            ).recurring_runs
        return found[0].recurring_run_id if found else None

    page = connection.address.page("recurringruns")
    return lost_answers.create(send, look_up, _advice("recurring run", mark, page))


def _advice(noun: str, mark: str, page: str) -> str:
    return (
        f"Whether the {noun} was created is unknown. Before you submit again, look for one with "
        f"the description {mark!r}: {page}"
    )


class KubeflowRun:
    """A run on Kubeflow."""

    def __init__(self, run_id: str, connection: Connection, steps: Sequence[str]) -> None:
        """Takes the run's id, and the steps of its pipeline in the order to show them in."""
        self.id = run_id
        self.page = connection.address.page(f"runs/details/{run_id}")
        self._connection = connection
        self._steps = steps

    def status(self) -> RunStatus:
        """Asks the API server."""
        run = self._connection.get_run(self.id)
        phase = _PHASES.get(run.state, Phase.RUNNING)
        nodes = Nodes((run.run_details and run.run_details.task_details) or [])
        steps = [nodes.step(name, over=phase is not Phase.RUNNING) for name in self._steps]
        log = self._how_to_read_logs()
        steps = [
            dataclasses.replace(step, log=log) if step.state is State.FAILED else step
            for step in steps
        ]
        error = run.error.message if run.error and run.error.message else ""
        return RunStatus(phase, tuple(steps), error)

    def _how_to_read_logs(self) -> str:
        """The pods carry the run's id as a label (kubeflow/pipelines 2.17, v2_template.go:420)."""
        namespace = self._connection.namespace or "kubeflow"
        return f"kubectl logs -n {namespace} -l pipeline/runid={self.id} -c main --prefix --tail=50"

"""Starts runs on Kubeflow Pipelines with `kfp.Client`, and asks what became of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipeline.config import ConfigError
from pipeline.kubeflow.clients.kubeflow.connection import Connection
from pipeline.kubeflow.clients.kubeflow.nodes import Nodes
from pipeline.kubeflow.remote_run import (
    Phase,
    RemoteRun,
    RemoteSchedule,
    Request,
    RunStatus,
)
from pipeline.kubeflow.settings import RemoteConfig
from pipeline.summary import State

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
        UsageError: If Kubeflow cannot be reached, or refuses.
    """
    section = config.kubeflow
    if section is None:
        raise ConfigError("There is no section kubeflow in this configuration: --config kubeflow")
    connection = Connection(section)
    with connection.errors_explained():
        experiment = connection.client.create_experiment(
            name=request.experiment or section.experiment or request.pipeline,
            namespace=section.namespace,
        )
        # The backend does not read the root in the package (nothing in its Go sources does).
        # Caching stays as the package has it: enable_caching=True would turn it on for all steps.
        common = {
            "experiment_id": experiment.experiment_id,
            "pipeline_root": request.root,
            "service_account": section.service_account,
        }
        if request.schedule is None:
            started = connection.client.create_run_from_pipeline_package(
                str(request.file), arguments=request.arguments, run_name=request.name, **common
            )
            return KubeflowRun(started.run_id, connection, request.steps)
        made = connection.client.create_recurring_run(
            job_name=request.name,
            pipeline_package_path=str(request.file),
            params=request.arguments,
            cron_expression=request.schedule.for_kubeflow(),
            no_catchup=True,  # after a pause one run on the newest data, not one for each missed
            **common,
        )
    return RemoteSchedule(
        made.recurring_run_id,
        connection.address.page(f"recurringrun/details/{made.recurring_run_id}"),
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

"""Runs of the API (apiserver/server/run_server.go, api_converter.go)."""

from __future__ import annotations

import json
from typing import Any

import kfp_server_api

from tests.kubeflow.emulator import nodes
from tests.kubeflow.emulator.api.experiments import Experiments
from tests.kubeflow.emulator.api.listing import page
from tests.kubeflow.emulator.api.pipelines import Pipelines
from tests.kubeflow.emulator.api.request import Request
from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.errors import internal, invalid_input, not_found, wrapped
from tests.kubeflow.emulator.package import Package, read
from tests.kubeflow.emulator.run import Run


class Runs:
    """The backend's runs, as the API shows them."""

    def __init__(self, backend: Backend, experiments: Experiments, pipelines: Pipelines) -> None:
        self._backend = backend
        self._experiments, self._pipelines = experiments, pipelines
        self._given: dict[str, dict[str, Any]] = {}

    def create(self, request: Request) -> dict[str, Any]:
        return self.start(request.message(kfp_server_api.V2beta1Run))

    def start(self, given: dict[str, Any]) -> dict[str, Any]:
        """Starts a run from a V2beta1Run (run_server.go:514)."""
        conversion = "CreateJob(job.ToV2())Failed to create a run due to conversion error"
        detail = "Failed to convert a API run detail to its internal representation"
        if not given.get("display_name"):
            with wrapped(conversion), internal(detail):
                raise invalid_input("Run name cannot be empty")
        config = given.get("runtime_config") or {}
        with wrapped("Failed to create a new run"):
            experiment_id = given.get("experiment_id") or self._experiments.default
            experiment = self._experiments.find(experiment_id)
            with internal("Failed to create a run due to error fetching manifest"):
                package = package_of(given, self._pipelines)
            run = self._backend.create_run(
                package,
                config.get("parameters") or {},
                config.get("pipeline_root") or "",
                given["display_name"],
            )
        experiment["last_run_created_at"] = nodes.timestamp(run.created)
        self._given[run.id] = given | {"experiment_id": experiment_id}
        return self._show(run)

    def get(self, _: Request, run_id: str) -> dict[str, Any]:
        with wrapped("Failed to get a run"):
            return self._show(self.find(run_id))

    def list(self, request: Request) -> dict[str, Any]:
        wanted = request.query.get("experiment_id")
        shown = [self._show(self._backend.runs[run_id]) for run_id in self._given]
        chosen = [run for run in shown if wanted in (None, run["experiment_id"])]
        return page("runs", chosen, request.query)

    def find(self, run_id: str) -> Run:
        """The run; raises BackendError if the API never made it."""
        if run_id not in self._given:
            raise not_found("Run", run_id)
        return self._backend.runs[run_id]

    def _show(self, run: Run) -> dict[str, Any]:
        """The run as V2beta1Run; why it failed is not in it (api_converter.go:1564)."""
        details = run.nodes.to_api(run.id, run.created)
        shown = self._given[run.id] | {
            "run_id": run.id,
            "storage_state": "AVAILABLE",
            "state": run.state,
            "created_at": nodes.timestamp(run.created),
            "scheduled_at": nodes.timestamp(run.created),
            "finished_at": nodes.timestamp(run.finished),
            "state_history": [
                {"update_time": nodes.timestamp(moment), "state": state}
                for state, moment in run.history
            ],
        }
        if details:
            shown["run_details"] = {"task_details": details}
        return shown


def package_of(given: dict[str, Any], pipelines: Pipelines) -> Package:
    """The package that a run or a recurring run names or brings along (api_util.go:125).

    Raises:
        BackendError: There is none, or it is none.
    """
    reference = given.get("pipeline_version_reference")
    if reference:
        return pipelines.package_of(reference)
    spec = given.get("pipeline_spec")
    if not spec:
        raise invalid_input("Failed to fetch a template with an empty pipeline spec manifest")
    documents = [spec]
    if "pipeline_spec" in spec:
        documents = [spec["pipeline_spec"]]
        documents += [spec["platform_spec"]] if "platform_spec" in spec else []
    with wrapped("Failed to fetch a template with an invalid pipeline spec manifest"):
        return read("\n---\n".join(json.dumps(document) for document in documents))

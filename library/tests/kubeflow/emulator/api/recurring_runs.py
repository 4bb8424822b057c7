"""Recurring runs (apiserver/server/job_server.go, resource_manager.go:1283).

They are compiled when they are created, yet Argo does not look at the result until the first run.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import kfp_server_api

from tests.kubeflow.emulator import nodes, protojson
from tests.kubeflow.emulator.api import cron
from tests.kubeflow.emulator.api.experiments import Experiments
from tests.kubeflow.emulator.api.listing import page
from tests.kubeflow.emulator.api.pipelines import Pipelines
from tests.kubeflow.emulator.api.request import Request
from tests.kubeflow.emulator.api.runs import Runs, package_of
from tests.kubeflow.emulator.compiler import compile_unchecked
from tests.kubeflow.emulator.errors import internal, invalid_input, not_found, wrapped


class RecurringRuns:
    """Recurring runs by id. Nothing makes them run by themselves; `fire` does."""

    def __init__(self, experiments: Experiments, pipelines: Pipelines, runs: Runs) -> None:
        self._experiments, self._pipelines, self._runs = experiments, pipelines, runs
        self._items: dict[str, dict[str, Any]] = {}

    def create(self, request: Request) -> dict[str, Any]:
        given = request.message(kfp_server_api.V2beta1RecurringRun)
        with wrapped("Failed to create a recurring run due to conversion error"):
            _check(given)
        with wrapped("Failed to create a recurring run"):
            experiment_id = given.get("experiment_id") or self._experiments.default
            self._experiments.find(experiment_id)
            with internal(
                "Failed to create a recurring run with an invalid pipeline spec manifest"
            ):
                package = package_of(given, self._pipelines)
            parameters = (given.get("runtime_config") or {}).get("parameters") or {}
            values = {name: protojson.value(native) for name, native in parameters.items()}
            with wrapped("Failed to create a recurring run during scheduled workflow creation"):
                compile_unchecked(package, values)
        now = nodes.timestamp(nodes.now())
        item = given | {
            "recurring_run_id": str(uuid.uuid4()),
            "experiment_id": experiment_id,
            "created_at": now,
            "updated_at": now,
        }
        self._items[item["recurring_run_id"]] = item
        return self._enable(item, given.get("mode") == "ENABLE")

    def get(self, _: Request, recurring_run_id: str) -> dict[str, Any]:
        with wrapped("Failed to fetch a recurring run"):
            return self._find(recurring_run_id)

    def list(self, request: Request) -> dict[str, Any]:
        wanted = request.query.get("experiment_id")
        chosen = [item for item in self._items.values() if wanted in (None, item["experiment_id"])]
        return page("recurringRuns", chosen, request.query)

    def enable(self, _: Request, recurring_run_id: str) -> dict[str, Any]:
        self._enable(self._find(recurring_run_id), True)
        return {}

    def disable(self, _: Request, recurring_run_id: str) -> dict[str, Any]:
        self._enable(self._find(recurring_run_id), False)
        return {}

    def delete(self, _: Request, recurring_run_id: str) -> dict[str, Any]:
        self._find(recurring_run_id)
        del self._items[recurring_run_id]
        return {}

    def fire(self, recurring_run_id: str) -> dict[str, Any]:
        """Starts a run as the controller of scheduled workflows does when its time has come."""
        item = self._find(recurring_run_id)
        kept = ("experiment_id", "pipeline_spec", "pipeline_version_reference", "runtime_config")
        given = {field: item[field] for field in (*kept, "service_account") if field in item}
        return self._runs.start(
            given
            | {
                "display_name": f"{item['display_name']}-{uuid.uuid4().hex[:5]}",
                "recurring_run_id": recurring_run_id,
            }
        )

    def _find(self, recurring_run_id: str) -> dict[str, Any]:
        if recurring_run_id not in self._items:
            raise not_found("Job", recurring_run_id)
        return self._items[recurring_run_id]

    def _enable(self, item: dict[str, Any], enabled: bool) -> dict[str, Any]:
        item["mode"] = "ENABLE" if enabled else "DISABLE"
        item["status"] = "ENABLED" if enabled else "DISABLED"
        return item


def _check(given: Mapping[str, Any]) -> None:
    """Problems visible at first sight (apiserver/server/api_converter.go:2041-2098)."""
    if not given.get("display_name"):
        with internal("Failed to convert a API recurring run to its internal representation"):
            raise invalid_input("Recurring run's name cannot be empty")
    concurrency = int(given.get("max_concurrency") or 0)
    if not 1 <= concurrency <= 10:
        raise invalid_input(
            "Max concurrency of a recurring run must be at least 1 and at most 10. Received "
            f"{concurrency}"
        )
    trigger = given.get("trigger") or {}
    if trigger.get("cron_schedule"):
        try:
            cron.parse(trigger["cron_schedule"].get("cron", ""))
        except cron.InvalidCronError as error:
            raise invalid_input(
                "Schedule cron is not a supported format(https://godoc.org/github.com/robfig/cron)."
                f" Error: {error}"
            ) from error
    if trigger.get("periodic_schedule"):
        interval = int(trigger["periodic_schedule"].get("interval_second") or 0)
        if interval < 1:
            raise invalid_input(
                f"Found invalid period schedule interval {interval}. Set at interval to least 1 "
                "second"
            )

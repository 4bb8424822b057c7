"""Experiments of the API (apiserver/server/experiment_server.go)."""

from __future__ import annotations

import uuid
from typing import Any

import kfp_server_api

from tests.kubeflow.emulator import nodes
from tests.kubeflow.emulator.api.listing import page
from tests.kubeflow.emulator.api.request import Request
from tests.kubeflow.emulator.errors import ALREADY_EXISTS, BackendError, not_found, wrapped


class Experiments:
    """Experiments by id; there is one from the start, "Default"."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Any]] = {}
        self.default = self._add({"display_name": "Default"})["experiment_id"]

    def create(self, request: Request) -> dict[str, Any]:
        found = request.message(kfp_server_api.V2beta1Experiment)
        name = found.get("display_name", "")
        with wrapped("Failed to create a experiment"):
            if any(item["display_name"] == name for item in self._items.values()):
                text = (  # storage/experiment_store.go:262
                    f"Failed to create a new experiment. The name {name} already exists. Please "
                    "specify a new name"
                )
                raise BackendError(f"Already exist error: {text}", ALREADY_EXISTS, text)
        return self._add(found)

    def get(self, _: Request, experiment_id: str) -> dict[str, Any]:
        with wrapped("Failed to get experiment"):
            return self.find(experiment_id)

    def list(self, request: Request) -> dict[str, Any]:
        return page("experiments", self._items.values(), request.query)

    def find(self, experiment_id: str) -> dict[str, Any]:
        if experiment_id not in self._items:
            raise not_found("Experiment", experiment_id)
        return self._items[experiment_id]

    def _add(self, given: dict[str, Any]) -> dict[str, Any]:
        item = given | {
            "experiment_id": str(uuid.uuid4()),
            "created_at": nodes.timestamp(nodes.now()),
            "last_run_created_at": nodes.timestamp(None),
            "storage_state": "AVAILABLE",
        }
        self._items[item["experiment_id"]] = item
        return item

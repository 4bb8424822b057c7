"""Pipelines and their versions (apiserver/server/pipeline_upload_server.go, pipeline_server.go).

An upload is parsed, not compiled: what the compiler refuses passes here.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from tests.kubeflow.emulator import nodes
from tests.kubeflow.emulator.api.listing import page
from tests.kubeflow.emulator.api.request import Request
from tests.kubeflow.emulator.errors import (
    ALREADY_EXISTS,
    INVALID_ARGUMENT,
    BackendError,
    NotEmulated,
    invalid_input,
    not_found,
    wrapped,
)
from tests.kubeflow.emulator.package import Package, read

MAX_LENGTH = 32 << 20  # apiserver/common/const.go:67
PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")  # apiserver/common/utils.go:35


class UploadError(BackendError):
    """The upload's own, shorter kind of reply (pipeline_upload_server.go: writeErrorToResponse)."""


class Pipelines:
    """Pipelines and versions by id."""

    def __init__(self) -> None:
        self._pipelines: dict[str, dict[str, Any]] = {}
        self._versions: dict[str, tuple[dict[str, Any], Package]] = {}

    def upload(self, request: Request) -> dict[str, Any]:
        package, name = self._read(request, "Failed to create a pipeline and a pipeline version")
        if any(item["name"] == name for item in self._pipelines.values()):
            text = "Failed to create a pipeline and a pipeline version"
            raise UploadError(text, ALREADY_EXISTS)
        pipeline = {
            "pipeline_id": str(uuid.uuid4()),
            "name": name,
            "display_name": request.query.get("display_name") or name,
            "description": request.query.get("description", ""),
            "created_at": nodes.timestamp(nodes.now()),
        }
        self._pipelines[pipeline["pipeline_id"]] = pipeline
        self._add_version(pipeline["pipeline_id"], name, request, package)
        return pipeline

    def upload_version(self, request: Request) -> dict[str, Any]:
        failed = "Failed to create a pipeline version"
        pipeline_id = request.query.get("pipelineid", "")
        if pipeline_id not in self._pipelines:
            raise UploadError(failed, INVALID_ARGUMENT)
        package, name = self._read(request, failed)
        for version, _ in self._versions.values():
            if (version["pipeline_id"], version["name"]) == (pipeline_id, name):
                raise UploadError(failed, ALREADY_EXISTS)
        return self._add_version(pipeline_id, name, request, package)

    def get(self, _: Request, pipeline_id: str) -> dict[str, Any]:
        with wrapped("Failed to get pipeline"):
            if pipeline_id not in self._pipelines:
                raise not_found("Pipeline", pipeline_id)
        return self._pipelines[pipeline_id]

    def list(self, request: Request) -> dict[str, Any]:
        return page("pipelines", self._pipelines.values(), request.query)

    def get_version(self, _: Request, pipeline_id: str, version_id: str) -> dict[str, Any]:
        with wrapped("Failed to get pipeline version"):
            if version_id not in self._versions:
                raise not_found("PipelineVersion", version_id)
        version, _ = self._versions[version_id]
        return version

    def list_versions(self, request: Request, pipeline_id: str) -> dict[str, Any]:
        found = [version for version, _ in self._versions.values()]
        chosen = [version for version in found if version["pipeline_id"] == pipeline_id]
        return page("pipeline_versions", chosen, request.query)

    def package_of(self, reference: dict[str, str]) -> Package:
        """The package of a version, or of a pipeline's newest (resource_manager.go:1239)."""
        version_id = reference.get("pipeline_version_id")
        pipeline_id = reference.get("pipeline_id")
        if not version_id:
            of_pipeline = [
                key
                for key, (version, _) in self._versions.items()
                if version["pipeline_id"] == pipeline_id
            ]
            version_id = of_pipeline[-1] if of_pipeline else ""
        if version_id not in self._versions:
            raise not_found("PipelineVersion", version_id)
        version, package = self._versions[version_id]
        if pipeline_id and version["pipeline_id"] != pipeline_id:
            raise invalid_input(
                f"Pipeline version {version_id} belongs to pipeline {version['pipeline_id']} (not "
                f"{pipeline_id})"
            )
        return package

    def _read(self, request: Request, failed: str) -> tuple[Package, str]:
        file_name, text = request.uploaded_file()
        if not file_name.endswith((".yaml", ".yml", ".json")):
            if file_name.endswith((".zip", ".tar.gz")):
                raise NotEmulated(f"an archive: {file_name}")
            raise UploadError("Failed to read a pipeline spec file", INVALID_ARGUMENT)
        if len(text.encode()) > MAX_LENGTH:
            raise UploadError("Failed to read a pipeline spec file", INVALID_ARGUMENT)
        try:
            package = read(text)
            if not PIPELINE_NAME.fullmatch(package.spec.pipeline_info.name):
                raise invalid_input(
                    "pipeline's name must contain only lowercase alphanumeric characters or '-' "
                    "and must start with alphanumeric characters"
                )
        except BackendError as error:
            shown = error.external if error.code == INVALID_ARGUMENT else failed
            raise UploadError(shown, error.code) from error
        query = request.query
        return package, query.get("name") or query.get("display_name") or file_name

    def _add_version(
        self, pipeline_id: str, name: str, request: Request, package: Package
    ) -> dict[str, Any]:
        version = {
            "pipeline_id": pipeline_id,
            "pipeline_version_id": str(uuid.uuid4()),
            "name": name,
            "display_name": request.query.get("display_name") or name,
            "created_at": nodes.timestamp(nodes.now()),
        }
        self._versions[version["pipeline_version_id"]] = (version, package)
        return version

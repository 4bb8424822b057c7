"""Addresses in the settings: of images, of artifacts, of data and models, of the API."""

from __future__ import annotations

import re
from typing import Annotated

import pydantic

LOCATION_HINT = (
    "a container needs gs://bucket/path, s3://bucket/path (any S3 store: AWS_ENDPOINT_URL in env), "
    "or the absolute folder of a mounted volume"
)
SOURCE_HINT = (
    "a reader in a container needs an address, such as postgresql://host/database, or the absolute "
    "path of a file on a mounted volume"
)
_CLOUD_STORAGE = re.compile(r"gs://[^/?\s]+(/[^?\s]*)?")
_S3 = re.compile(r"s3://[^/?\s]+(/[^?\s]*)?")
_FOLDER = re.compile(r"/[^:\s]*[^:\s/]/?")
# With the endpoint of a store as a query, if need be (objectstore/config.go of kubeflow/pipelines).
_LAUNCHER_ROOT = re.compile(r"(gs|s3|minio)://[^/?\s]+(/[^?\s]*)?(\?\S+)?")


def is_location(path: str) -> bool:
    """True for a path that a step in a container can read wherever it runs."""
    return any(kind.fullmatch(path) for kind in (_CLOUD_STORAGE, _S3, _FOLDER))


def is_source(path: str) -> bool:
    """True for any source of a reader in a container, except a path of this machine."""
    return "://" in path or is_location(path)


def is_cloud_storage(path: str) -> bool:
    """True for a path on Google Cloud Storage."""
    return _CLOUD_STORAGE.fullmatch(path) is not None


def _image(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9][^\s]*", value) or "://" in value:
        raise ValueError("write the image as a registry knows it, such as example.com/team/name:1")
    return value


def _launcher_root(value: str) -> str:
    if not _LAUNCHER_ROOT.fullmatch(value):
        raise ValueError(
            "Kubeflow keeps artifacts under gs://bucket/path, s3://bucket/path or "
            "minio://bucket/path; its own store is minio://mlpipeline/v2/artifacts"
        )
    return value


def _location(value: str) -> str:
    if not is_location(value):
        raise ValueError(LOCATION_HINT)
    return value


def _cloud_storage(value: str) -> str:
    if not is_cloud_storage(value):
        raise ValueError("Vertex AI reads and writes gs://bucket/path only")
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("write the address of the API, such as http://localhost:8080")
    return value


Image = Annotated[str, pydantic.AfterValidator(_image)]
LauncherRoot = Annotated[str, pydantic.AfterValidator(_launcher_root)]
Location = Annotated[str, pydantic.AfterValidator(_location)]
CloudStorage = Annotated[str, pydantic.AfterValidator(_cloud_storage)]
Host = Annotated[str, pydantic.AfterValidator(_host)]

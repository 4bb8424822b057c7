"""Formats of values in the settings: addresses, Kubernetes' quantities and names.

They are checked here, where a person reads the message, and not by a backend.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

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
# The query may hold the endpoint of a store (objectstore/config.go of kubeflow/pipelines).
_LAUNCHER_ROOT = re.compile(r"(gs|s3|minio)://[^/?\s]+(/[^?\s]*)?(\?\S+)?")

# Set for every container by the compiler, or by Kubeflow itself.
RESERVED_ENV = ("PIPELINE_", "KFP_")
# Folders that Kubeflow mounts itself (argocompiler/container.go of kubeflow/pipelines 2.17).
RESERVED_FOLDERS = ("/gcs", "/s3", "/minio", "/kfp-launcher", "/.local", "/.cache", "/.config")
_WITHOUT_ARTIFACTS = RESERVED_FOLDERS[3:]

# Kubernetes names have at most 63 characters, five of them a suffix for each run of a workflow.
LONGEST_PIPELINE_NAME = 58
_PIPELINE_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{LONGEST_PIPELINE_NAME - 1}}}")

_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_UNITS = {
    **{"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40},
}


def is_location(path: str) -> bool:
    """True for a path that every container can read, on any node."""
    return any(pattern.fullmatch(path) for pattern in (_CLOUD_STORAGE, _S3, _FOLDER))


def is_source(path: str) -> bool:
    """True for any source of a reader in a container, except a path of this machine."""
    return "://" in path or is_location(path)


def is_pipeline_name(name: str) -> bool:
    """True for a name that the configuration and every backend accept."""
    return _PIPELINE_NAME.fullmatch(name) is not None


def is_cloud_storage(path: str) -> bool:
    """True for a path on Google Cloud Storage."""
    return _CLOUD_STORAGE.fullmatch(path) is not None


def cores(quantity: str) -> float:
    """Number of cores: 0.5 for `500m`."""
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def gigabytes(quantity: str) -> float:
    """Number of 10^9 bytes: 4.294967296 for `4Gi`."""
    number, unit = re.fullmatch(r"([\d.]+)(\D+)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit] / 10**9


def _pipeline_name(value: str) -> str:
    if not is_pipeline_name(value):
        raise ValueError(
            f"a pipeline is named with at most {LONGEST_PIPELINE_NAME} lower-case letters, digits "
            "and dashes, and no dash at the beginning"
        )
    return value


def _image(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9][^\s]*", value) or "://" in value:
        raise ValueError("write the image with its registry, such as example.com/team/name:1")
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


def _text(value: Any) -> Any:
    """Text for Kubernetes of a value that YAML parses as a number or a boolean."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _cpu(value: str) -> str:
    if not re.fullmatch(r"\d+(\.\d{1,3})?|\d+m", value) or not cores(value):
        raise ValueError("write cores, such as 2 or 0.5, or thousandths of one, such as 500m")
    return value


def _bytes(value: str) -> str:
    if not re.fullmatch(rf"\d+(\.\d+)?({'|'.join(_UNITS)})", value) or not gigabytes(value):
        raise ValueError("write a number and its unit, such as 512Mi or 4Gi")
    return value


def _env_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError("an environment variable is named with letters, digits and _")
    if value.startswith(RESERVED_ENV):
        raise ValueError(f"names with {' or '.join(RESERVED_ENV)} are set by the pipeline itself")
    return value


def _object_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", value):
        raise ValueError("a name in Kubernetes has only lower-case letters, digits, - and .")
    return value


def _volume_name(value: str) -> str:
    # The backend names the volume after the mounted object (driver/k8s.go), and takes no dots.
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
        raise ValueError(
            "the name of a mounted object has up to 63 lower-case letters, digits and -"
        )
    return value


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    if slash:
        _object_name(prefix)
    if not re.fullmatch(_LABEL, name):
        raise ValueError("a label is named like team or example.com/team, up to 63 characters")
    return value


def _label_value(value: str) -> str:
    if value and not re.fullmatch(_LABEL, value):
        raise ValueError("a label's value has at most 63 letters, digits, -, _ and .")
    return value


def _mount_path(value: str) -> str:
    if not re.fullmatch(r"/[^:\s]*[^:\s/]", value):
        raise ValueError("write an absolute folder of the container, such as /mnt/data")
    # Below a mirror of the object store, a volume shows the artifacts to the workers of an engine.
    if value in RESERVED_FOLDERS or value.startswith(tuple(f"{f}/" for f in _WITHOUT_ARTIFACTS)):
        raise ValueError(f"Kubeflow mounts {', '.join(RESERVED_FOLDERS)} itself; choose another")
    return value


PipelineName = Annotated[
    str,
    pydantic.AfterValidator(_pipeline_name),
    pydantic.Field(json_schema_extra={"pattern": f"^{_PIPELINE_NAME.pattern}$"}),
]
Image = Annotated[str, pydantic.AfterValidator(_image)]
LauncherRoot = Annotated[str, pydantic.AfterValidator(_launcher_root)]
Location = Annotated[str, pydantic.AfterValidator(_location)]
CloudStorage = Annotated[str, pydantic.AfterValidator(_cloud_storage)]
Host = Annotated[str, pydantic.AfterValidator(_host)]
Text = Annotated[str, pydantic.BeforeValidator(_text)]
Cpu = Annotated[Text, pydantic.AfterValidator(_cpu)]
Bytes = Annotated[Text, pydantic.AfterValidator(_bytes)]
EnvName = Annotated[str, pydantic.AfterValidator(_env_name)]
ObjectName = Annotated[str, pydantic.AfterValidator(_object_name)]
VolumeName = Annotated[str, pydantic.AfterValidator(_volume_name)]
MountPath = Annotated[str, pydantic.AfterValidator(_mount_path)]
LabelKey = Annotated[str, pydantic.AfterValidator(_label_key)]
LabelValue = Annotated[Text, pydantic.AfterValidator(_label_value)]
Count = Annotated[int, pydantic.Field(ge=1)]

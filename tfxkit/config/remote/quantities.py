"""Values as Kubernetes writes them, checked where a person reads the message: CPU, bytes, names."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pydantic

# Set for every container by the compiler, or by Kubeflow itself.
RESERVED_ENV = ("PIPELINE_", "KFP_")
# Folders that Kubeflow mounts itself (argocompiler/container.go of kubeflow/pipelines 2.17).
RESERVED_FOLDERS = ("/gcs", "/s3", "/minio", "/kfp-launcher", "/.local", "/.cache", "/.config")
_WITHOUT_ARTIFACTS = RESERVED_FOLDERS[3:]

_LABEL = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_UNITS = {
    **{"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40},
}


def cores(quantity: str) -> float:
    """The number of cores: 0.5 for `500m`."""
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def gigabytes(quantity: str) -> float:
    """The number of 10^9 bytes: 4.294967296 for `4Gi`."""
    number, unit = re.fullmatch(r"([\d.]+)(\D+)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit] / 10**9


def _text(value: Any) -> Any:
    """What YAML takes for a number or a truth value, as the text that Kubernetes wants."""
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
        raise ValueError("Kubernetes' names are of lower-case letters, digits, - and .")
    return value


def _volume_name(value: str) -> str:
    # The backend gives the volume the name of what is mounted (driver/k8s.go), and takes no dots.
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
        raise ValueError("what is mounted is named with up to 63 lower-case letters, digits and -")
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

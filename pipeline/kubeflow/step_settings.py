"""What may be set for one step on Kubeflow or on Vertex; each key is one that the backend reads.

For Kubeflow see `backend/src/v2/driver/{driver,k8s}.go` and
`backend/src/v2/compiler/argocompiler/container.go` of kubeflow/pipelines 2.17.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, Self

import pydantic

from models.frozen import Frozen
from pipeline.kubeflow.quantities import (
    Bytes,
    Count,
    Cpu,
    EnvName,
    MountPath,
    ObjectName,
    Text,
    VolumeName,
    cores,
    gigabytes,
)


class CpuSettings(Frozen):
    """Cores: what the scheduler sets aside, and what the step gets at most."""

    request: Cpu | None = None
    limit: Cpu | None = None

    @pydantic.model_validator(mode="after")
    def _request_within_limit(self) -> Self:
        if self.request and self.limit and cores(self.request) > cores(self.limit):
            raise ValueError(f"cpu.request {self.request} is above cpu.limit {self.limit}")
        return self


class MemorySettings(Frozen):
    """Memory: what the scheduler sets aside, and where the step is killed."""

    request: Bytes | None = None
    limit: Bytes | None = None

    @pydantic.model_validator(mode="after")
    def _request_within_limit(self) -> Self:
        if self.request and self.limit and gigabytes(self.request) > gigabytes(self.limit):
            raise ValueError(f"memory.request {self.request} is above memory.limit {self.limit}")
        return self


class Accelerator(Frozen):
    """Kubernetes' name of the resource (`nvidia.com/gpu`), or Vertex' (`NVIDIA_TESLA_T4`)."""

    type: str
    count: Count = 1


class Retries(Frozen):
    """How often, and for how long, a failed step is tried again."""

    count: Count = pydantic.Field(description="Attempts after the first.")
    delay_s: Count = pydantic.Field(default=30, description="Seconds before the second attempt.")
    factor: Count = pydantic.Field(
        default=2, description="Each further delay is this many times longer; a whole number."
    )
    give_up_after_s: Count = pydantic.Field(
        default=86400,
        description="Seconds from the start of the first attempt after which none is begun, and "
        "a running one is ended. Not the longest delay. Vertex takes an hour at most.",
    )


class Toleration(Frozen):
    """A taint of nodes that the step may run on nevertheless."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: Text | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: int | None = pydantic.Field(
        default=None, ge=0, description="How long a running step stays (NoExecute)."
    )

    @pydantic.model_validator(mode="after")
    def _as_kubernetes_has_it(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("operator Exists takes no value")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("operator Equal needs a key; Exists without one tolerates everything")
        if self.seconds is not None and self.effect != "NoExecute":
            raise ValueError("seconds are for the effect NoExecute")
        return self


class KeyReference(Frozen):
    """A key of a Secret or of a ConfigMap in the namespace of the run."""

    name: ObjectName
    key: str
    optional: bool = pydantic.Field(default=False, description="Run even if it is not there.")


class SecretVolume(Frozen):
    """A Secret as a folder with one file for each key."""

    secret: VolumeName
    optional: bool = pydantic.Field(default=False, description="Run even if it is not there.")


class Claim(Frozen):
    """A PersistentVolumeClaim, or a folder of it."""

    claim: VolumeName
    sub_path: str = pydantic.Field(default="", description="A folder of the volume; else all.")


class EmptyDir(Frozen):
    """A folder that lives as long as the attempt."""

    medium: Literal["", "Memory"] = pydantic.Field(
        default="", description="The node's disk, or memory, which counts to memory.limit."
    )
    size: Bytes | None = None


class StepSettings(Frozen):
    """What both backends read."""

    cpu: CpuSettings | None = None
    memory: MemorySettings | None = None
    accelerator: Accelerator | None = None
    env: dict[EnvName, Text] | None = None
    retries: Retries | None = None
    cache: bool | None = pydantic.Field(
        default=None, description="Take the outputs of an equal execution instead of running."
    )


class KubernetesStep(StepSettings):
    """A step on Kubeflow, which is a pod."""

    node_selector: dict[str, Text] | None = None
    tolerations: tuple[Toleration, ...] | None = None
    env_from_secrets: dict[EnvName, KeyReference] | None = None
    env_from_config_maps: dict[EnvName, KeyReference] | None = None
    secret_volumes: dict[MountPath, SecretVolume] | None = None
    claims: dict[MountPath, Claim] | None = None
    empty_dirs: dict[MountPath, EmptyDir] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: tuple[ObjectName, ...] | None = None
    labels: dict[str, Text] | None = None
    annotations: dict[str, Text] | None = None
    timeout_s: Count | None = pydantic.Field(
        default=None, description="Seconds after which an attempt is killed."
    )

    @pydantic.model_validator(mode="after")
    def _resource_name(self) -> Self:
        if self.accelerator and "/" not in self.accelerator.type:
            raise ValueError(
                f"accelerator.type {self.accelerator.type} is no resource of Kubernetes, "
                "such as nvidia.com/gpu; the model of the GPU goes into node_selector"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _one_of_each_name(self) -> Self:
        _refuse_twice(
            "environment variable", self.env, self.env_from_secrets, self.env_from_config_maps
        )
        _refuse_twice("folder", self.secret_volumes, self.claims, self.empty_dirs)
        secrets = {volume.secret: None for volume in (self.secret_volumes or {}).values()}
        claims = {mount.claim: None for mount in (self.claims or {}).values()}
        # The backend names the volume after what is mounted, so Kubernetes would see one volume.
        _refuse_twice("name of a claim and of a secret that are mounted,", secrets, claims)
        return self


class VertexStep(StepSettings):
    """A step on Vertex AI, which knows no pods."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _not_on_vertex(cls, tree: Any) -> Any:
        given = tree if isinstance(tree, Mapping) else {}
        pods_only = sorted(
            (given.keys() & KubernetesStep.model_fields.keys()) - cls.model_fields.keys()
        )
        pods_only += [
            f"{key}.request"
            for key in ("cpu", "memory")
            if isinstance(given.get(key), Mapping) and given[key].get("request") is not None
        ]
        if pods_only:
            raise ValueError(
                f"{', '.join(pods_only)} is for pods of Kubernetes; Vertex AI reads "
                "cpu.limit, memory.limit, accelerator, env, retries and cache"
            )
        return tree

    @pydantic.model_validator(mode="after")
    def _name_of_vertex(self) -> Self:
        if self.accelerator and "/" in self.accelerator.type:
            raise ValueError(
                f"accelerator.type {self.accelerator.type} is a resource of Kubernetes; "
                "Vertex AI has names such as NVIDIA_TESLA_T4"
            )
        return self


def _refuse_twice(what: str, *tables: Mapping[str, Any] | None) -> None:
    counts = Counter(name for table in tables for name in table or {})
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"{what} {', '.join(twice)} is given twice")

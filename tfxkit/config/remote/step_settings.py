"""What may be set for one step on Kubeflow or on Vertex; each key is one that the backend reads.

For Kubeflow see `backend/src/v2/driver/{driver,k8s}.go` and
`backend/src/v2/compiler/argocompiler/container.go` of kubeflow/pipelines 2.17.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.remote.quantities import (
    Count,
    EnvName,
    LabelKey,
    LabelValue,
    MountPath,
    ObjectName,
    Text,
)
from tfxkit.config.remote.step_parts import (
    Accelerator,
    Claim,
    CpuSettings,
    EmptyDir,
    KeyReference,
    MemorySettings,
    Retries,
    SecretVolume,
    Toleration,
    VertexRetries,
)
from tfxkit.config.secrets import NoSecretNames


class StepSettings(Frozen):
    """What both backends read."""

    cpu: CpuSettings | None = None
    memory: MemorySettings | None = None
    accelerator: Accelerator | None = None
    env: Annotated[dict[EnvName, Text] | None, NoSecretNames] = None
    retries: Retries | None = None
    cache: bool


class KubernetesStep(StepSettings):
    """A step on Kubeflow, which is a pod."""

    cache: bool = pydantic.Field(
        default=False, description="Take the outputs of an earlier run; the key knows no data."
    )
    node_selector: dict[LabelKey, LabelValue] | None = None
    tolerations: tuple[Toleration, ...] | None = None
    env_from_secrets: dict[EnvName, KeyReference] | None = None
    env_from_config_maps: dict[EnvName, KeyReference] | None = None
    secret_volumes: dict[MountPath, SecretVolume] | None = None
    claims: dict[MountPath, Claim] | None = None
    empty_dirs: dict[MountPath, EmptyDir] | None = None
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    image_pull_secrets: tuple[ObjectName, ...] | None = None
    labels: dict[LabelKey, LabelValue] | None = None
    annotations: dict[LabelKey, Text] | None = None
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

    cache: bool = pydantic.Field(
        default=True, description="Take the outputs of an equal execution of an earlier run."
    )
    retries: VertexRetries | None = None

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

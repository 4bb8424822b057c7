"""What the settings of a step are made of: resources, retries, references, volumes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.remote.quantities import (
    Bytes,
    Count,
    Cpu,
    LabelKey,
    LabelValue,
    ObjectName,
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
        "one that is running is ended. Not the longest delay.",
    )


class VertexRetries(Retries):
    """How often, and for how long, Vertex tries a failed step again."""

    give_up_after_s: Annotated[int, pydantic.Field(ge=1, le=3600)] = pydantic.Field(
        default=3600, description="Seconds during which it is tried again; an hour at most."
    )


class Toleration(Frozen):
    """A taint of nodes that the step may run on nevertheless."""

    key: LabelKey | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: LabelValue | None = None
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
    key: Annotated[str, pydantic.Field(pattern=r"^[-._A-Za-z0-9]+$")]
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

"""Sections `kubeflow` and `vertex` of the configuration; imports neither TensorFlow nor KFP.

Each key of a step is one that the backend reads. For Kubeflow see
`backend/src/v2/driver/{driver,k8s}.go` and `backend/src/v2/compiler/argocompiler/container.go` of
kubeflow/pipelines 2.17.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

import pydantic

from tfxkit.config.formats import (
    Bytes,
    CloudStorage,
    Count,
    Cpu,
    EnvName,
    Host,
    Image,
    LabelKey,
    LabelValue,
    LauncherRoot,
    Location,
    MountPath,
    ObjectName,
    Text,
    VolumeName,
    cores,
    gigabytes,
)
from tfxkit.config.frozen import Frozen, merge, problem_message
from tfxkit.config.secrets import NoSecretNames

ALL = "all"  # the name for settings of every step
# Keys of either section that a compiled package holds. The others apply when it is submitted.
COMPILED = ("image", "pipeline_root", "serving", "checkpoints", "steps")


class CpuSettings(Frozen):
    """Cores: reserved by the scheduler, and the most that the step gets."""

    request: Cpu | None = None
    limit: Cpu | None = None

    @pydantic.model_validator(mode="after")
    def _request_within_limit(self) -> Self:
        if self.request and self.limit and cores(self.request) > cores(self.limit):
            raise ValueError(f"cpu.request {self.request} is above cpu.limit {self.limit}")
        return self


class MemorySettings(Frozen):
    """Memory: reserved by the scheduler, and the amount at which the step is killed."""

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
    """Number and time limit of the retries of a failed step."""

    count: Count = pydantic.Field(description="Attempts after the first.")
    delay_s: Count = pydantic.Field(default=30, description="Seconds before the second attempt.")
    factor: Count = pydantic.Field(
        default=2, description="Each further delay is this many times longer; a whole number."
    )
    give_up_after_s: Count = pydantic.Field(
        default=86400,
        description="Seconds from the start of the first attempt; then a running attempt is ended, "
        "and none is begun. Not the longest delay.",
    )


class VertexRetries(Retries):
    """Number and time limit of the retries on Vertex AI."""

    give_up_after_s: Annotated[int, pydantic.Field(ge=1, le=3600)] = pydantic.Field(
        default=3600, description="Seconds in which retries begin; an hour at most."
    )


class Toleration(Frozen):
    """A taint of nodes that the step may run on nevertheless."""

    key: LabelKey | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: int | None = pydantic.Field(
        default=None, ge=0, description="Seconds that a running step stays (NoExecute)."
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
    optional: bool = pydantic.Field(default=False, description="Run even without it.")


class SecretVolume(Frozen):
    """A Secret as a folder with one file for each key."""

    secret: VolumeName
    optional: bool = pydantic.Field(default=False, description="Run even without it.")


class Claim(Frozen):
    """A PersistentVolumeClaim, or a folder of it."""

    claim: VolumeName
    sub_path: str = pydantic.Field(default="", description="Folder of the volume; else all of it.")


class EmptyDir(Frozen):
    """A folder that exists as long as the attempt."""

    medium: Literal["", "Memory"] = pydantic.Field(
        default="", description="The node's disk, or memory, which counts towards memory.limit."
    )
    size: Bytes | None = None


class StepSettings(Frozen):
    """Settings that both backends read."""

    cpu: CpuSettings | None = None
    memory: MemorySettings | None = None
    accelerator: Accelerator | None = None
    env: Annotated[dict[EnvName, Text] | None, NoSecretNames] = None
    retries: Retries | None = None
    cache: bool


class KubernetesStep(StepSettings):
    """Settings of a step on Kubeflow: a pod."""

    cache: bool = pydantic.Field(
        default=False,
        description="Take the outputs of an earlier run; the cache key ignores the data.",
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
        # The backend names the volume after the mounted object, so Kubernetes would see one volume.
        _refuse_twice("name of a mounted claim or secret", secrets, claims)
        return self


class VertexStep(StepSettings):
    """Settings of a step on Vertex AI, which has no pods."""

    cache: bool = pydantic.Field(
        default=True, description="Take the outputs of an equal execution of an earlier run."
    )
    retries: VertexRetries | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _not_on_vertex(cls, tree: Any) -> Any:
        settings = tree if isinstance(tree, Mapping) else {}
        pods_only = sorted(
            (settings.keys() & KubernetesStep.model_fields.keys()) - cls.model_fields.keys()
        )
        pods_only += [
            f"{key}.request"
            for key in ("cpu", "memory")
            if isinstance(settings.get(key), Mapping) and settings[key].get("request") is not None
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


def _refuse_twice(noun: str, *tables: Mapping[str, Any] | None) -> None:
    counts = Counter(name for table in tables for name in table or {})
    if twice := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"{noun} {', '.join(twice)} is given twice")


Step = TypeVar("Step", bound=StepSettings)


def inherit(steps: Mapping[str, Step], step_class: type[Step]) -> dict[str, Step]:
    """Lays each step's settings over those of `all`, so that `config show` prints the result.

    Args:
        steps: The settings as written.
        step_class: Their class.

    Raises:
        ValueError: If the settings of `all` and of a step contradict each other.
    """
    shared = steps[ALL].model_dump(exclude_unset=True) if ALL in steps else {}
    inherited = {}
    for name, own in steps.items():
        tree: dict[str, Any] = merge(shared, own.model_dump(exclude_unset=True))
        try:
            inherited[name] = step_class.model_validate(tree)
        except pydantic.ValidationError as error:
            problem = problem_message(error.errors()[0])
            raise ValueError(f"{name}, with the settings of all: {problem}") from None
    return inherited


def step_settings(name: str, steps: Mapping[str, Step], default: Step) -> Step:
    """Settings that apply to a step.

    Args:
        name: The step's.
        steps: From `inherit`.
        default: Settings without an entry for the step or `all`.
    """
    return steps[name] if name in steps else steps.get(ALL, default)


class KubeflowSettings(Frozen):
    """Settings of Kubeflow Pipelines: addresses, account, steps."""

    image: Image = pydantic.Field(
        description="Image of the steps (`deploy/Dockerfile`), as the cluster pulls it."
    )
    pipeline_root: LauncherRoot = pydantic.Field(
        description="Address under which Kubeflow keeps the artifacts of all runs."
    )
    serving: Location = pydantic.Field(
        description="Folder for pushed models, read by a model server."
    )
    checkpoints: Location = pydantic.Field(
        description="Folder for checkpoints, from which a killed training resumes."
    )
    host: Host | None = pydantic.Field(
        default=None, description="Address of the API; else found by kfp.Client."
    )
    namespace: ObjectName | None = pydantic.Field(
        default=None, description="Namespace of the runs, on a Kubeflow with several users."
    )
    service_account: ObjectName | None = pydantic.Field(
        default=None, description="Account of the pods; else Kubeflow's default."
    )
    experiment: str | None = pydantic.Field(
        default=None, description="Experiment of the runs; else named after the pipeline."
    )
    steps: dict[str, KubernetesStep] = pydantic.Field(
        default={},
        description="Settings of steps by name; those of `all` apply below each step's own.",
    )

    @pydantic.field_validator("steps")
    @classmethod
    def _over_all(cls, steps: dict[str, KubernetesStep]) -> dict[str, KubernetesStep]:
        return inherit(steps, KubernetesStep)

    def step(self, name: str) -> KubernetesStep:
        """Settings of a step: its own over those of `all`."""
        return step_settings(name, self.steps, KubernetesStep())


class VertexSettings(Frozen):
    """Settings of Vertex AI Pipelines: project, addresses, account, steps."""

    image: Image = pydantic.Field(
        description="Image of the steps (`deploy/Dockerfile`), in Artifact Registry."
    )
    pipeline_root: CloudStorage = pydantic.Field(
        description="Address under which Vertex keeps the artifacts of all runs."
    )
    serving: CloudStorage = pydantic.Field(
        description="Folder for pushed models, read by a model server."
    )
    checkpoints: CloudStorage = pydantic.Field(
        description="Folder for checkpoints, from which a killed training resumes."
    )
    project: str | None = pydantic.Field(
        default=None,
        description="Project of the runs; else that of the application default credentials.",
    )
    location: str = pydantic.Field(default="us-central1", description="Region of the runs.")
    service_account: str | None = pydantic.Field(
        default=None,
        pattern=r"^\S+@\S+$",
        description="Account of the steps; else the project's Compute Engine account.",
    )
    network: str | None = pydantic.Field(
        default=None,
        pattern=r"^projects/[^/]+/global/networks/[^/]+$",
        description="projects/NUMBER/global/networks/NAME of a peered VPC.",
    )
    encryption_key: str | None = pydantic.Field(
        default=None,
        pattern=r"^projects/.+/cryptoKeys/[^/]+$",
        description="Resource name of a customer-managed key (Cloud KMS).",
    )
    steps: dict[str, VertexStep] = pydantic.Field(
        default={},
        description="Settings of steps by name; those of `all` apply below each step's own.",
    )

    @pydantic.field_validator("steps")
    @classmethod
    def _over_all(cls, steps: dict[str, VertexStep]) -> dict[str, VertexStep]:
        return inherit(steps, VertexStep)

    def step(self, name: str) -> VertexStep:
        """Settings of a step: its own over those of `all`."""
        return step_settings(name, self.steps, VertexStep())

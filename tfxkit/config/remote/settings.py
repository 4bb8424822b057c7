"""The sections `kubeflow` and `vertex` of the configuration; starts without TensorFlow or KFP."""

from __future__ import annotations

from typing import Any

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.loading import Config
from tfxkit.config.remote import inheritance
from tfxkit.config.remote.addresses import CloudStorage, Host, Image, LauncherRoot, Location
from tfxkit.config.remote.quantities import ObjectName
from tfxkit.config.remote.step_settings import KubernetesStep, VertexStep

# Of either section: what a compiled package holds. The rest says how one is sent.
COMPILED = ("image", "pipeline_root", "serving", "checkpoints", "steps")


class KubeflowSettings(Frozen):
    """Where and how the pipeline runs on Kubeflow Pipelines."""

    image: Image = pydantic.Field(description="Of `deploy/Dockerfile`, as the cluster pulls it.")
    pipeline_root: LauncherRoot = pydantic.Field(
        description="Where Kubeflow keeps the artifacts of all runs."
    )
    serving: Location = pydantic.Field(
        description="Where models are pushed to, and a model server reads them."
    )
    checkpoints: Location = pydantic.Field(
        description="Where a training that was killed finds its last epoch again."
    )
    host: Host | None = pydantic.Field(
        default=None, description="Address of the API; else as kfp.Client finds it."
    )
    namespace: ObjectName | None = pydantic.Field(
        default=None, description="Of the runs, where Kubeflow has several users."
    )
    service_account: ObjectName | None = pydantic.Field(
        default=None, description="Of the pods; else Kubeflow's default."
    )
    experiment: str | None = pydantic.Field(
        default=None, description="That runs are filed under; else the pipeline's name."
    )
    steps: dict[str, KubernetesStep] = pydantic.Field(
        default={}, description="Settings of steps by name; `all` lies under each step's own."
    )

    @pydantic.field_validator("steps")
    @classmethod
    def _over_all(cls, steps: dict[str, KubernetesStep]) -> dict[str, KubernetesStep]:
        return inheritance.resolve(steps, KubernetesStep)

    def step(self, name: str) -> KubernetesStep:
        """What holds for a step: its own settings over those of `all`."""
        return inheritance.settings_of(name, self.steps, KubernetesStep())


class VertexSettings(Frozen):
    """Where and how the pipeline runs on Vertex AI Pipelines."""

    image: Image = pydantic.Field(description="Of `deploy/Dockerfile`, in Artifact Registry.")
    pipeline_root: CloudStorage = pydantic.Field(
        description="Where Vertex keeps the artifacts of all runs."
    )
    serving: CloudStorage = pydantic.Field(
        description="Where models are pushed to, and a model server reads them."
    )
    checkpoints: CloudStorage = pydantic.Field(
        description="Where a training that was killed finds its last epoch again."
    )
    project: str | None = pydantic.Field(
        default=None, description="Else that of the application default credentials."
    )
    location: str = pydantic.Field(default="us-central1", description="The region of the runs.")
    service_account: str | None = pydantic.Field(
        default=None,
        pattern=r"^\S+@\S+$",
        description="Of the steps; else the project's Compute Engine account.",
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
        default={}, description="Settings of steps by name; `all` lies under each step's own."
    )

    @pydantic.field_validator("steps")
    @classmethod
    def _over_all(cls, steps: dict[str, VertexStep]) -> dict[str, VertexStep]:
        return inheritance.resolve(steps, VertexStep)

    def step(self, name: str) -> VertexStep:
        """What holds for a step: its own settings over those of `all`."""
        return inheritance.settings_of(name, self.steps, VertexStep())


class RemoteConfig(Config):
    """The configuration with the sections of the backends that it may be compiled for."""

    kubeflow: KubeflowSettings | None = None
    vertex: VertexSettings | None = None

    @pydantic.model_serializer(mode="wrap")
    def _sections_that_are_there(self, dump: pydantic.SerializerFunctionWrapHandler) -> Any:
        optional = ("kubeflow", "vertex")
        tree: dict[str, Any] = dump(self)
        return {
            key: value for key, value in tree.items() if value is not None or key not in optional
        }

"""Sections `kubeflow` and `vertex` of the configuration; imports neither TensorFlow nor KFP."""

from __future__ import annotations

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.remote.formats import (
    CloudStorage,
    Host,
    Image,
    LauncherRoot,
    Location,
    ObjectName,
)
from tfxkit.config.remote.steps import KubernetesStep, VertexStep, inherit, settings_of

# Keys of either section that a compiled package holds. The others apply when it is submitted.
COMPILED = ("image", "pipeline_root", "serving", "checkpoints", "steps")


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
        return settings_of(name, self.steps, KubernetesStep())


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
        return settings_of(name, self.steps, VertexStep())

"""The sections `kubeflow` and `vertex` of the configuration; starts without TensorFlow or KFP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import pydantic

from models.frozen import Frozen
from pipeline.config import Config, merge
from pipeline.kubeflow.step_settings import KubernetesStep, StepSettings, VertexStep

ALL = "all"
# What their cache keys do not see: the data, the model that is served, what lies in its folder.
NEVER_CACHED_ON_KUBEFLOW = ("ExampleGen", "UnlabelledExampleGen", "Baseline", "Pusher")
# Vertex resolves spans and fingerprint of an ExampleGen before it looks into its cache.
NEVER_CACHED_ON_VERTEX = ("Baseline", "Pusher")

Step = TypeVar("Step", bound=StepSettings)


def _image(value: str) -> str:
    if not re.fullmatch(r"[^\s:@/][^\s]*", value):
        raise ValueError("write the image as a registry knows it, such as example.com/team/name:1")
    return value


def _launcher_root(value: str) -> str:
    if not re.fullmatch(r"(gs|s3|minio)://[^/?\s]+(/[^?\s]*)?(\?\S+)?", value):
        raise ValueError(
            "Kubeflow keeps artifacts under gs://bucket/path, s3://bucket/path or "
            "minio://bucket/path (its own store is minio://mlpipeline/v2/artifacts)"
        )
    return value


def _gs_address(value: str) -> str:
    if not re.fullmatch(r"gs://[^/?\s]+(/[^?\s]*)?", value):
        raise ValueError("Vertex AI reads and writes gs://bucket/path only")
    return value


def _location(value: str) -> str:
    if not is_location(value):
        raise ValueError(LOCATION_HINT)
    return value


LOCATION_HINT = (
    "a container needs gs://bucket/path, s3://bucket/path (any S3 store, MinIO too, with "
    "AWS_ENDPOINT_URL in env), or the absolute folder of a mounted volume"
)


def is_location(path: str) -> bool:
    """Whether a step in a container finds a path wherever it runs."""
    return bool(re.fullmatch(r"(gs|s3)://[^/?\s]+(/[^?\s]*)?|/[^\s]*[^\s/]/?", path))


Image = Annotated[str, pydantic.AfterValidator(_image)]


class KubeflowSettings(Frozen):
    """Where and how the pipeline runs on Kubeflow Pipelines."""

    image: Image = pydantic.Field(description="Of `deploy/Dockerfile`, as the cluster pulls it.")
    pipeline_root: Annotated[str, pydantic.AfterValidator(_launcher_root)] = pydantic.Field(
        description="Where Kubeflow keeps the artifacts of all runs."
    )
    serving: Annotated[str, pydantic.AfterValidator(_location)] = pydantic.Field(
        description="Where models are pushed to, and a model server reads them."
    )
    checkpoints: Annotated[str, pydantic.AfterValidator(_location)] = pydantic.Field(
        description="Where a training that was killed finds its last epoch again."
    )
    host: str | None = pydantic.Field(
        default=None, description="Address of the API; else as kfp.Client finds it."
    )
    namespace: str | None = pydantic.Field(
        default=None, description="Of the runs, where Kubeflow has several users."
    )
    service_account: str | None = pydantic.Field(
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
        return _resolve(steps, KubernetesStep, NEVER_CACHED_ON_KUBEFLOW)

    def step(self, name: str) -> KubernetesStep:
        """What holds for a step: its own settings over those of `all`."""
        return _settings_of(name, self.steps, KubernetesStep, NEVER_CACHED_ON_KUBEFLOW)


class VertexSettings(Frozen):
    """Where and how the pipeline runs on Vertex AI Pipelines."""

    image: Image = pydantic.Field(description="Of `deploy/Dockerfile`, in Artifact Registry.")
    pipeline_root: Annotated[str, pydantic.AfterValidator(_gs_address)] = pydantic.Field(
        description="Where Vertex keeps the artifacts of all runs."
    )
    serving: Annotated[str, pydantic.AfterValidator(_gs_address)] = pydantic.Field(
        description="Where models are pushed to, and a model server reads them."
    )
    checkpoints: Annotated[str, pydantic.AfterValidator(_gs_address)] = pydantic.Field(
        description="Where a training that was killed finds its last epoch again."
    )
    project: str | None = pydantic.Field(
        default=None, description="Else that of the application default credentials."
    )
    location: str = pydantic.Field(default="us-central1", description="The region of the runs.")
    service_account: str | None = pydantic.Field(
        default=None, description="Of the steps; else the project's Compute Engine account."
    )
    network: str | None = pydantic.Field(
        default=None, description="projects/NUMBER/global/networks/NAME of a peered VPC."
    )
    encryption_key: str | None = pydantic.Field(
        default=None, description="Resource name of a customer-managed key (Cloud KMS)."
    )
    steps: dict[str, VertexStep] = pydantic.Field(
        default={}, description="Settings of steps by name; `all` lies under each step's own."
    )

    @pydantic.field_validator("steps")
    @classmethod
    def _over_all(cls, steps: dict[str, VertexStep]) -> dict[str, VertexStep]:
        return _resolve(steps, VertexStep, NEVER_CACHED_ON_VERTEX)

    def step(self, name: str) -> VertexStep:
        """What holds for a step: its own settings over those of `all`."""
        return _settings_of(name, self.steps, VertexStep, NEVER_CACHED_ON_VERTEX)


class RemoteConfig(Config):
    """The configuration with the sections of the backends that it may be compiled for."""

    kubeflow: KubeflowSettings | None = None
    vertex: VertexSettings | None = None


def _resolve(
    steps: Mapping[str, Step], kind: type[Step], never_cached: tuple[str, ...]
) -> dict[str, Step]:
    """Each step's settings over those of `all`, so that `config show` tells what a step gets."""
    under = steps[ALL].model_dump(exclude_unset=True) if ALL in steps else {}
    resolved = {}
    for name, own in steps.items():
        if name in never_cached and own.cache:
            raise ValueError(
                f"{name} cannot be cached: nothing in its cache key changes when the data or the "
                "served model does. Take cache out of it."
            )
        tree: dict[str, Any] = merge(under, own.model_dump(exclude_unset=True))
        if name in never_cached:
            tree["cache"] = False
        try:
            resolved[name] = kind.model_validate(tree)
        except pydantic.ValidationError as error:
            told = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"{name}, with what all says: {told}") from None
    return resolved


def _settings_of(
    name: str, steps: Mapping[str, Step], kind: type[Step], never_cached: tuple[str, ...]
) -> Step:
    if name in steps:
        return steps[name]
    found = steps.get(ALL, kind())
    return found.model_copy(update={"cache": False}) if name in never_cached else found

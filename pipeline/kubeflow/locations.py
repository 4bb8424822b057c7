"""Refuses places that a step in a container would not find, before anything heavy is loaded."""

from __future__ import annotations

import re

from pipeline.config import ConfigError
from pipeline.engine import Engine
from pipeline.kubeflow.addresses import (
    LOCATION_HINT,
    SOURCE_HINT,
    is_cloud_storage,
    is_location,
    is_source,
)
from pipeline.kubeflow.launcher import Launcher
from pipeline.kubeflow.settings import KubeflowSettings, RemoteConfig

# Its jobs are named <pipeline>-<14 digits>: a letter first, and 128 characters at most
# (google-cloud-aiplatform 1.165, aiplatform/pipeline_jobs.py).
_VERTEX_NAME = r"[a-z][a-z0-9-]{0,112}"


def check_for_kubeflow(config: RemoteConfig, section: KubeflowSettings) -> None:
    """Holds the places of a configuration to what containers on Kubeflow can reach.

    Raises:
        ConfigError: If one is a path of this machine, or is to be written to and lies in no volume,
            where it would be gone with the pod, or where an engine's workers would not see it.
    """
    _check_source(config)
    for key, path in _places(config).items():
        if not is_location(path):
            raise ConfigError(f"{key}: {path!r} is not to be found in a container: {LOCATION_HINT}")
    _check_engine(config, section)
    trained_in = ("Trainer", *(("Tuner",) if config.tuner.enabled else ()))
    for key, place, steps in (
        ("serving", section.serving, ("Baseline", "Pusher")),
        ("checkpoints", section.checkpoints, trained_in),
    ):
        for step in steps:
            volumes = section.step(step).claims or {}
            if place.startswith("/") and not any(f"{place}/".startswith(f"{v}/") for v in volumes):
                raise ConfigError(
                    f"kubeflow.{key}: {place!r} is in no volume that {step} mounts, and would be "
                    "gone with its pod: add one to kubeflow.steps.all.claims, or use gs:// or s3://"
                )


def check_for_vertex(config: RemoteConfig) -> None:
    """Holds name and places outside of the section `vertex` to what Vertex AI takes.

    Raises:
        ConfigError: If the name is too long or begins with a digit, or a place is not gs://.
    """
    if not re.fullmatch(_VERTEX_NAME, config.pipeline):
        raise ConfigError(
            f"pipeline: {config.pipeline!r} cannot be the name of a job on Vertex AI, which begins "
            "with a letter and leaves room for a time: at most 113 letters, digits and -"
        )
    _check_source(config)
    for key, path in _places(config).items():
        if not is_cloud_storage(path):
            raise ConfigError(f"{key}: {path!r} is not on Cloud Storage: Vertex AI needs gs://…")


def _check_engine(config: RemoteConfig, section: KubeflowSettings) -> None:
    """Holds the artifacts' place to what the workers of an engine see of it."""
    root = section.pipeline_root.partition("?")[0]
    if config.beam.engine is Engine.DATAFLOW:
        for key, place in {"kubeflow.pipeline_root": root, **_places(config)}.items():
            if not is_cloud_storage(place):
                raise ConfigError(
                    f"{key}: {place!r} is not on Cloud Storage: Dataflow needs gs://…"
                )
    if config.beam.job_server is None:
        return
    mirror = Launcher("/").to_local(root)
    extra = ("UnlabelledExampleGen", "BulkInferrer") if config.bulk_inferrer.enabled else ()
    for step in ("ExampleGen", "StatisticsGen", "Transform", "Evaluator", *extra):
        volumes = section.step(step).claims or {}
        if not any(f"{mirror}/".startswith(f"{volume.rstrip('/')}/") for volume in volumes):
            raise ConfigError(
                f"{step} sends its work to {config.beam.engine}, whose workers would not see the "
                f"artifacts, which Kubeflow copies to {mirror} in the step's pod: mount a volume "
                f"there that the workers mount as well (kubeflow.steps.{step}.claims), see "
                "docs/scale.md"
            )


def _check_source(config: RemoteConfig) -> None:
    """Refuses a path of this machine as the source of a reader, which may take any address."""
    path = config.data.path
    if config.data.reader and not is_source(path):
        raise ConfigError(f"data.path: {path!r} is not to be found in a container: {SOURCE_HINT}")


def _places(config: RemoteConfig) -> dict[str, str]:
    found = {} if config.data.reader else {"data.path": config.data.path}
    if config.bulk_inferrer.enabled:
        found["bulk_inferrer.path"] = config.bulk_inferrer.path
    if config.dataset.validation.serving_statistics:
        key = "dataset.validation.serving_statistics"
        found[key] = config.dataset.validation.serving_statistics
    return found

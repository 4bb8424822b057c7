"""Refuses locations that a step in a container cannot reach."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tfxkit.config.formats import (
    LOCATION_HINT,
    SOURCE_HINT,
    is_cloud_storage,
    is_location,
    is_source,
)
from tfxkit.config.loading import Config, ConfigError
from tfxkit.config.remote import KubeflowSettings
from tfxkit.config.selection import Engine
from tfxkit.errors import documentation
from tfxkit.kubeflow.container import Launcher

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode

# Vertex AI's jobs are named <pipeline>-<14 digits>, with a letter first
# (google-cloud-aiplatform 1.165, aiplatform/pipeline_jobs.py).
_VERTEX_NAME = r"[a-z][a-z0-9-]*"


def check_for_kubeflow(config: Config, section: KubeflowSettings) -> None:
    """Checks that containers on Kubeflow can reach the locations of a configuration.

    Raises:
        ConfigError: If one is a path of this machine, or, for Dataflow, not on Cloud Storage.
    """
    _check_source(config)
    for key, path in _locations(config).items():
        if not is_location(path):
            raise ConfigError(
                f"{key}: {path!r} does not exist inside the containers: {LOCATION_HINT}"
            )
    if config.beam.engine is Engine.DATAFLOW:
        root = section.pipeline_root.partition("?")[0]
        for key, location in {"kubeflow.pipeline_root": root, **_locations(config)}.items():
            if not is_cloud_storage(location):
                raise ConfigError(
                    f"{key}: {location!r} is not on Cloud Storage: Dataflow needs gs://…"
                )


def check_mounts(config: Config, section: KubeflowSettings, components: Iterable[BaseNode]) -> None:
    """Checks that the steps mount volumes for the folders that they use.

    Raises:
        ConfigError: If a step writes to a folder in no volume, which would be lost with its pod, or
            if the workers of its engine would not see its artifacts.
    """
    from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

    for node in components:
        for key, location in (("serving", section.serving), ("checkpoints", section.checkpoints)):
            if not location.startswith("/") or not _uses(node, location):
                continue
            if not _mounts(section, node.id, location):
                raise ConfigError(
                    f"kubeflow.{key}: {location!r} is in no volume that {node.id} mounts, and "
                    "would be gone with its pod: add one to kubeflow.steps.all.claims, or use "
                    "gs:// or s3://"
                )
        if config.beam.job_server is not None and isinstance(node.executor_spec, BeamExecutorSpec):
            mirror = Launcher("/").to_local(section.pipeline_root.partition("?")[0])
            if not _mounts(section, node.id, mirror):
                raise ConfigError(
                    f"{node.id} sends its work to {config.beam.engine}, whose workers would not "
                    f"see the artifacts, which Kubeflow copies to {mirror} in the step's pod: "
                    "mount a volume there that the workers mount as well "
                    f"(kubeflow.steps.{node.id}.claims); see " + documentation("scale")
                )


def unmounted_sources(
    config: Config, section: KubeflowSettings, components: Iterable[BaseNode]
) -> list[str]:
    """Warnings about folders that a step reads, and in which it mounts no volume.

    The image may contain such a folder, so that this is no error.
    """
    path = config.data.path
    return [
        f"data.path: {path!r} is in no volume that {node.id} mounts, so only files of the image "
        f"{section.image} can be there. Add the volume to kubeflow.steps.{node.id}.claims, or use "
        "gs:// or s3://"
        for node in components
        if path.startswith("/") and _uses(node, path) and not _mounts(section, node.id, path)
    ]


def check_for_vertex(config: Config) -> None:
    """Checks name and locations outside the section `vertex` against the rules of Vertex AI.

    Raises:
        ConfigError: If the name is too long or begins with a digit, or a location is not gs://.
    """
    if not re.fullmatch(_VERTEX_NAME, config.pipeline):
        raise ConfigError(
            f"pipeline: {config.pipeline!r} cannot be the name of a job on Vertex AI, which begins "
            "with a letter"
        )
    _check_source(config)
    for key, path in _locations(config).items():
        if not is_cloud_storage(path):
            raise ConfigError(f"{key}: {path!r} is not on Cloud Storage: Vertex AI needs gs://…")


def _mounts(section: KubeflowSettings, step: str, folder: str) -> bool:
    """True if a step mounts a volume at a folder, or above it."""
    volumes = section.step(step).claims or {}
    return any(f"{folder}/".startswith(f"{volume.rstrip('/')}/") for volume in volumes)


def _uses(node: BaseNode, location: str) -> bool:
    """True if a parameter of a step is a location, or JSON text with it as a value."""
    texts = [value for value in node.exec_properties.values() if isinstance(value, str)]
    return any(text == location or f'"{location}"' in text for text in texts)


def _check_source(config: Config) -> None:
    """Refuses a path of this machine as the source of a reader, which may take any address."""
    path = config.data.path
    if config.data.reader and not is_source(path):
        raise ConfigError(
            f"data.path: {path!r} does not exist inside the containers: {SOURCE_HINT}"
        )


def _locations(config: Config) -> dict[str, str]:
    """Locations outside the backend's section, by key."""
    paths = {} if config.data.reader else {"data.path": config.data.path}
    if config.bulk_inferrer.enabled:
        paths["bulk_inferrer.path"] = config.bulk_inferrer.path
    if config.dataset.validation.serving_statistics:
        key = "dataset.validation.serving_statistics"
        paths[key] = config.dataset.validation.serving_statistics
    return paths

"""Compiles the DAG for Vertex AI Pipelines."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import ConfigError
from pipeline.kubeflow import locations, steps
from pipeline.kubeflow.compilation import compile_spec
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.settings import RemoteConfig

# In place of TFX's own, which takes single spans only.
SPAN_DRIVER = ("python", "-m", "pipeline.kubeflow.span_driver")


def compile_package(config: RemoteConfig, config_dir: Path) -> Package:
    """Compiles to a spec alone: the client of Vertex AI refuses a second document.

    Args:
        config: What to compile, with the section `vertex`.
        config_dir: Where it came from; the schema lies there.

    Raises:
        ConfigError: If the section is missing, or what it says cannot be.
    """
    section = config.vertex
    if section is None:
        raise ConfigError("There is no section vertex in this configuration: --config vertex")
    locations.check_for_vertex(config)
    spec = compile_spec(config, section, config_dir)
    tasks = spec["root"]["dag"]["tasks"]
    steps.check_names(section.steps, tasks, "vertex")
    for executor in spec["deploymentSpec"]["executors"].values():
        if "lifecycle" in executor["container"]:
            executor["container"]["lifecycle"]["preCacheCheck"]["command"] = list(SPAN_DRIVER)
    steps.apply(spec, {step: section.step(step) for step in tasks}, config.cache)
    return Package(spec)

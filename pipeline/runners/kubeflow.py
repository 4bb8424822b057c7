"""Compiles the DAG for Kubeflow Pipelines 2.x on any Kubernetes."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import ConfigError
from pipeline.kubeflow import locations, steps
from pipeline.kubeflow.compilation import compile_spec
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.platform_document import platform_document
from pipeline.kubeflow.settings import RemoteConfig


def compile_package(config: RemoteConfig, config_dir: Path) -> Package:
    """Compiles to a spec and a second document for Kubernetes.

    Args:
        config: What to compile, with the section `kubeflow`.
        config_dir: Where it came from; the schema lies there.

    Raises:
        ConfigError: If the section is missing, or what it says cannot be.
    """
    section = config.kubeflow
    if section is None:
        raise ConfigError("There is no section kubeflow in this configuration: --config kubeflow")
    locations.check_for_kubeflow(config, section)
    spec = compile_spec(config, section, config_dir)
    tasks = spec["root"]["dag"]["tasks"]
    steps.check_names(section.steps, tasks, "kubeflow")
    for executor in spec["deploymentSpec"]["executors"].values():
        # Nothing in the open-source backend reads it; the entrypoint does what it asks for.
        executor["container"].pop("lifecycle", None)
    settings = {step: section.step(step) for step in tasks}
    steps.apply(spec, settings, config.cache)
    return Package(spec, platform_document(spec, settings))

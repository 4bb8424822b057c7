"""Compiles the DAG for Vertex AI Pipelines."""

from __future__ import annotations

from pathlib import Path

from tfxkit.config.loading import ConfigError
from tfxkit.config.remote.settings import RemoteConfig
from tfxkit.kubeflow import locations
from tfxkit.kubeflow.package import Package
from tfxkit.runs import validation

# In place of TFX's own, which takes single spans only.
SPAN_DRIVER = ("python", "-m", "tfxkit.kubeflow.span_driver")


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
    validation.check_description(config, config_dir)

    # Only now: TFX takes ten seconds to import.
    from tfxkit.kubeflow import steps
    from tfxkit.kubeflow.compilation import compile_dag, containers_of

    compiled = compile_dag(config, section, config_dir)
    spec = compiled.spec
    tasks = spec["root"]["dag"]["tasks"]
    steps.check_names(section.steps, tasks, "vertex")
    for container in containers_of(spec).values():
        if "lifecycle" in container:
            container["lifecycle"]["preCacheCheck"]["command"] = list(SPAN_DRIVER)
    blind = steps.blind_to_cache(compiled)
    steps.check_cache(section.steps, blind, "vertex")
    settings = {step: section.step(step) for step in tasks}
    steps.check_secrets(compiled.components, settings, "vertex")
    steps.apply(spec, settings, config.cache, blind)
    return Package(spec)

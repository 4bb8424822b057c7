"""Compiles the DAG for Vertex AI Pipelines."""

from __future__ import annotations

from pathlib import Path

from tfxkit.config.loading import Config, ConfigError
from tfxkit.kubeflow import locations
from tfxkit.kubeflow.package import Package
from tfxkit.runs import validation

# Replaces TFX's own, which takes single spans only.
SPAN_DRIVER = ("python", "-m", "tfxkit.kubeflow.span_driver")


def compile_package(config: Config, config_dir: Path) -> Package:
    """Compiles to a spec alone: the client of Vertex AI refuses a second document.

    Args:
        config: The configuration, with the section `vertex`.
        config_dir: The folder of the configuration, with the schema.

    Raises:
        ConfigError: If the section is missing, or a setting is impossible.
    """
    section = config.vertex
    if section is None:
        raise ConfigError("There is no section vertex in this configuration: --config vertex")
    locations.check_for_vertex(config)
    validation.check_description(config, config_dir)

    # Only now: TFX takes ten seconds to import.
    from tfxkit.kubeflow.compilation import apply_step_settings, compile_dag, containers_of

    compiled = compile_dag(config, section, config_dir)
    for container in containers_of(compiled.spec).values():
        if "lifecycle" in container:
            executor = container["args"].index("--executor_class_path")
            command = [*SPAN_DRIVER, *container["args"][executor : executor + 2]]
            container["lifecycle"]["preCacheCheck"]["command"] = command
    apply_step_settings(compiled, section, "vertex", config.cache)
    return Package(compiled.spec)

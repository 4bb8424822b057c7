"""Compiles the DAG for Kubeflow Pipelines 2.x on any Kubernetes."""

from __future__ import annotations

import re
from pathlib import Path

from tfxkit.config.loading import ConfigError
from tfxkit.config.remote.settings import RemoteConfig
from tfxkit.kubeflow import locations
from tfxkit.kubeflow.package import Package
from tfxkit.kubeflow.platform_document import platform_document
from tfxkit.runs import validation

# What TFX makes of the placeholders of a container component: its artifacts' addresses, such as
# minio://…, which no library opens. The launcher mirrors them as files.
_ADDRESS = re.compile(r"(\{\{\$\.(?:inputs|outputs)\.artifacts\['[^']+'\])\.uri\}\}")


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
    validation.check_description(config, config_dir)

    # Only now: TFX takes ten seconds to import.
    from tfxkit.kubeflow import steps
    from tfxkit.kubeflow.compilation import compile_dag, containers_of

    compiled = compile_dag(config, section, config_dir)
    locations.check_mounts(config, section, compiled.components)
    spec = compiled.spec
    tasks = spec["root"]["dag"]["tasks"]
    steps.check_names(section.steps, tasks, "kubeflow")
    for container in containers_of(spec).values():
        # Nothing in the open-source backend reads it; the entrypoint does what it asks for.
        container.pop("lifecycle", None)
        container["command"] = [_ADDRESS.sub(r"\1.path}}", word) for word in container["command"]]
    blind = steps.blind_to_cache(compiled)
    steps.check_cache(section.steps, blind, "kubeflow")
    settings = {step: section.step(step) for step in tasks}
    steps.check_secrets(compiled.components, settings, "kubeflow")
    steps.apply(spec, settings, config.cache, blind)
    return Package(spec, platform_document(spec, settings))

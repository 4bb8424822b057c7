"""Compiles the DAG for Kubeflow Pipelines 2.x on any Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb2

from tfxkit.config.loading import Config, ConfigError
from tfxkit.config.remote import KeyReference, KubeflowSettings, KubernetesStep
from tfxkit.kubeflow import locations
from tfxkit.kubeflow.package import Package
from tfxkit.runs import validation

# TFX compiles the placeholders of a container component to its artifacts' addresses, such as
# minio://…, which no library opens. The launcher mirrors them as files.
_ADDRESS = re.compile(r"(\{\{\$\.(?:inputs|outputs)\.artifacts\['[^']+'\])\.uri\}\}")

Value = TypeVar("Value")


def compile_package(config: Config, config_dir: Path) -> Package:
    """Compiles to a spec and a platform document for Kubernetes.

    Args:
        config: The configuration, with the section `kubeflow`.
        config_dir: The folder of the configuration, with the schema.

    Raises:
        ConfigError: If the section is missing, or a setting is impossible.
    """
    section = config.kubeflow
    if section is None:
        raise ConfigError("There is no section kubeflow in this configuration: --config kubeflow")
    locations.check_for_kubeflow(config, section)
    validation.check_description(config, config_dir)

    # Only now: TFX takes ten seconds to import.
    from tfxkit.kubeflow.compilation import apply_step_settings, compile_dag, containers_of

    compiled = compile_dag(config, section, config_dir)
    locations.check_mounts(config, section, compiled.components)
    warnings = locations.unmounted_sources(config, section, compiled.components)
    for container in containers_of(compiled.spec).values():
        # Nothing in the open-source backend reads it; the entrypoint does its work.
        container.pop("lifecycle", None)
        container["command"] = [_ADDRESS.sub(r"\1.path}}", word) for word in container["command"]]
    apply_step_settings(compiled, section, "kubeflow", config.cache)
    return Package(compiled.spec, _platform_document(compiled.spec, section), tuple(warnings))


def _platform_document(spec: Mapping[str, Any], section: KubeflowSettings) -> dict[str, Any]:
    """`ml_pipelines.PlatformSpec` in its JSON form: settings by the spec's labels of executors.

    It is built with the message types of kfp-kubernetes, so that a misspelt field fails here: a
    server that cannot read the document drops all of it silently (kubeflow/pipelines 2.17,
    backend/src/apiserver/template). `pipelineConfig` is left out for that reason, as older servers
    do not have it.
    """
    executors = {}
    for step, task in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        message = json_format.ParseDict(
            _executor_config(section.step(step)), kubernetes_pb2.KubernetesExecutorConfig()
        )
        if config := json_format.MessageToDict(message):
            executors[label] = config
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _executor_config(step: KubernetesStep) -> dict[str, Any]:
    """`kfp_kubernetes.KubernetesExecutorConfig`; None for an absent field."""
    metadata = {"labels": step.labels, "annotations": step.annotations}
    return {
        "activeDeadlineSeconds": step.timeout_s,
        "imagePullPolicy": step.image_pull_policy,
        "imagePullSecret": [
            _reference("secretName", name) for name in step.image_pull_secrets or ()
        ],
        "nodeSelector": {"labels": step.node_selector} if step.node_selector else None,
        "podMetadata": metadata if any(metadata.values()) else None,
        "tolerations": [
            {
                "key": toleration.key,
                "operator": toleration.operator,
                "value": toleration.value,
                "effect": toleration.effect,
                "tolerationSeconds": toleration.seconds,
            }
            for toleration in step.tolerations or ()
        ],
        "secretAsEnv": _variables(step.env_from_secrets, "secretName", "secretKey"),
        "configMapAsEnv": _variables(step.env_from_config_maps, "configMapName", "configMapKey"),
        "secretAsVolume": [
            {
                "mountPath": path,
                "optional": volume.optional,
                **_reference("secretName", volume.secret),
            }
            for path, volume in _sorted(step.secret_volumes)
        ],
        "pvcMount": [
            {
                "mountPath": path,
                "subPath": volume.sub_path,
                "constant": volume.claim,
                "pvcNameParameter": _constant(volume.claim),
            }
            for path, volume in _sorted(step.claims)
        ],
        "emptyDirMounts": [
            {
                "volumeName": f"empty-dir-{number}",
                "mountPath": path,
                "medium": volume.medium or None,
                "sizeLimit": volume.size,
            }
            for number, (path, volume) in enumerate(_sorted(step.empty_dirs), start=1)
        ],
    }


def _variables(
    references: Mapping[str, KeyReference] | None, name_field: str, key_field: str
) -> list[dict[str, Any]]:
    return [
        {
            "keyToEnv": [{key_field: reference.key, "envVar": variable}],
            "optional": reference.optional,
            **_reference(name_field, reference.name),
        }
        for variable, reference in _sorted(references)
    ]


def _reference(field: str, name: str) -> dict[str, Any]:
    """A name in both forms: servers up to 2.4 read the first only, 2.5 and later prefer the second.

    kfp-kubernetes 2.16 writes both as well (kfp/kubernetes/secret.py).
    """
    return {field: name, f"{field}Parameter": _constant(name)}


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _sorted(table: Mapping[str, Value] | None) -> list[tuple[str, Value]]:
    return sorted((table or {}).items())

"""The second document of a package: what only Kubernetes understands of the steps' settings.

It is built with the message types of kfp-kubernetes, so that a misspelt field fails here: a server
that cannot read the document drops it as a whole without a word (kubeflow/pipelines 2.17,
backend/src/apiserver/template). `pipelineConfig` is left out for that reason, as older servers
do not know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb2

from tfxkit.config.remote.steps import KeyReference, KubernetesStep

Value = TypeVar("Value")


def platform_document(
    spec: Mapping[str, Any], settings: Mapping[str, KubernetesStep]
) -> dict[str, Any]:
    """Builds the document.

    Args:
        spec: The first document. The settings are filed under its labels of executors.
        settings: What holds for each step.

    Returns:
        `ml_pipelines.PlatformSpec` in its JSON form.
    """
    executors = {}
    for step, task in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        message = json_format.ParseDict(
            _executor_config(settings[step]), kubernetes_pb2.KubernetesExecutorConfig()
        )
        if config := json_format.MessageToDict(message):
            executors[label] = config
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _executor_config(step: KubernetesStep) -> dict[str, Any]:
    """`kfp_kubernetes.KubernetesExecutorConfig`; None stands for a field that is not there."""
    metadata = {"labels": step.labels, "annotations": step.annotations}
    return {
        "activeDeadlineSeconds": step.timeout_s,
        "imagePullPolicy": step.image_pull_policy,
        "imagePullSecret": [_named("secretName", name) for name in step.image_pull_secrets or ()],
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
            {"mountPath": path, "optional": it.optional, **_named("secretName", it.secret)}
            for path, it in _sorted(step.secret_volumes)
        ],
        "pvcMount": [
            {
                "mountPath": path,
                "subPath": it.sub_path,
                "constant": it.claim,
                "pvcNameParameter": _constant(it.claim),
            }
            for path, it in _sorted(step.claims)
        ],
        "emptyDirMounts": [
            {
                "volumeName": f"empty-dir-{number}",
                "mountPath": path,
                "medium": it.medium or None,
                "sizeLimit": it.size,
            }
            for number, (path, it) in enumerate(_sorted(step.empty_dirs), start=1)
        ],
    }


def _variables(
    references: Mapping[str, KeyReference] | None, name_field: str, key_field: str
) -> list[dict[str, Any]]:
    return [
        {
            "keyToEnv": [{key_field: reference.key, "envVar": variable}],
            "optional": reference.optional,
            **_named(name_field, reference.name),
        }
        for variable, reference in _sorted(references)
    ]


def _named(field: str, name: str) -> dict[str, Any]:
    """A name in both forms: servers up to 2.4 know the first only, 2.5 and later prefer the second.

    kfp-kubernetes 2.16 writes both as well (kfp/kubernetes/secret.py).
    """
    return {field: name, f"{field}Parameter": _constant(name)}


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _sorted(table: Mapping[str, Value] | None) -> list[tuple[str, Value]]:
    return sorted((table or {}).items())

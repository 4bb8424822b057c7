"""A task's settings of the platform spec, and which of them this emulator can honour.

What only a cluster can heed (node selector, tolerations, affinity, labels, pull secrets, users) is
read and has no effect here.
"""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct
from kfp.kubernetes import kubernetes_executor_config_pb2

from tests.kubeflow.emulator import protojson
from tests.kubeflow.emulator.errors import NotEmulated, plain_error

KubernetesConfig = kubernetes_executor_config_pb2.KubernetesExecutorConfig
# Accepted by the backend, beyond this emulator:
UNSUPPORTED = (
    "secret_as_volume",
    "config_map_as_volume",
    "field_path_as_env",
    "generic_ephemeral_volume",
)


def parse(name: str, config: Struct | None) -> KubernetesConfig:
    """The platform's settings for a task, parsed strictly (container.go:322-328)."""
    if config is None:
        return KubernetesConfig()
    try:
        found = protojson.from_object(protojson.to_object(config), KubernetesConfig())
    except protojson.InvalidJson as error:
        raise plain_error(
            f'error creating executor for "{name}": failed to unmarshal kubernetes config: {error}'
        ) from error
    for field in UNSUPPORTED:
        if getattr(found, field):
            raise NotEmulated(f"{name}: {field} of the platform spec")
    return found

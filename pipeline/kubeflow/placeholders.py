"""What `configs/kubeflow.yaml` and `configs/vertex.yaml` leave to the user to fill in."""

from __future__ import annotations

from typing import Any

from pipeline.errors import UsageError
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.parameters import declared

_UNSET = ("registry.example.com/", "/my-project/", "gs://my-bucket", "s3://my-bucket")


def check(package: Package, target: str, arguments: dict[str, Any]) -> None:
    """Refuses to send a package that still names the examples of the shipped configuration.

    Raises:
        UsageError: If it does; names the keys to set.
    """
    default = declared(package.spec).get("data_path", {}).get("defaultValue", "")
    places = {
        f"{target}.pipeline_root": package.spec.get("defaultPipelineRoot", ""),
        "data.path": arguments.get("data_path", default),
    }
    for executor in package.spec.get("deploymentSpec", {}).get("executors", {}).values():
        places[f"{target}.image"] = executor.get("container", {}).get("image", "")
    unset = {
        key: value
        for key, value in sorted(places.items())
        if any(example in value for example in _UNSET)
    }
    if unset:
        listed = "\n".join(f"  {key}: {value}" for key, value in unset.items())
        raise UsageError(
            f"These are still the examples of configs/{target}.yaml; set them there to yours:\n"
            f"{listed}"
        )

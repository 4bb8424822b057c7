"""What `configs/kubeflow.yaml` and `configs/vertex.yaml` leave to the user to fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tfxkit.errors import UsageError
from tfxkit.kubeflow.package import Package, view_package
from tfxkit.kubeflow.parameters import declared_parameters

_UNSET = ("registry.example.com/", "/my-project/", "gs://my-bucket", "s3://my-bucket")
_CHECKPOINTS = re.compile(r'"checkpoint_dir": "(.*?)"')  # in the settings of Tuner and Trainer


def find(package: Package, target: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The examples of the shipped configuration that a package still names, by their key.

    Args:
        package: A compiled pipeline.
        target: The backend that it is compiled for.
        arguments: What a run is given in place of the package's defaults.
    """
    view = view_package(package, target)
    default = declared_parameters(package.spec).get("data_path", {}).get("defaultValue", "")
    places = [
        (f"{target}.pipeline_root", view.spec.default_pipeline_root),
        ("data.path", arguments.get("data_path", default)),
    ]
    for task in view.tasks:
        if task.container is not None:
            places.append((f"{target}.image", task.container.image))
        values = task.values()
        if "serving_dir" in values:
            places.append((f"{target}.serving", values["serving_dir"].string_value))
        if "custom_config" in values:
            for place in _CHECKPOINTS.findall(values["custom_config"].string_value):
                places.append((f"{target}.checkpoints", place))
    return {
        key: value for key, value in sorted(places) if any(example in value for example in _UNSET)
    }


def explain(found: Mapping[str, str], target: str) -> str:
    """What to do about examples that `find` has found.

    Args:
        found: At least one.
        target: The backend.
    """
    listed = "\n".join(f"  {key}: {value}" for key, value in found.items())
    told = f"These are still the examples of configs/{target}.yaml; set them there to yours:"
    image = f"{target}.image"
    build = f"Build the image and push it (make image IMAGE=NAME); {image} is its NAME."
    return "\n".join([told, listed, *([build] if image in found else [])])


def check(package: Package, target: str, arguments: Mapping[str, Any]) -> None:
    """Refuses to send a package that still names the examples of the shipped configuration.

    Raises:
        UsageError: If it does; names the keys to set.
    """
    if found := find(package, target, arguments):
        raise UsageError(explain(found, target))

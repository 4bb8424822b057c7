"""What `configs/kubeflow.yaml` and `configs/vertex.yaml` leave to the user to fill in."""

from __future__ import annotations

import re
from typing import Any

from pipeline.kubeflow.checks.view import read
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.parameters import declared
from tfxkit.errors import UsageError

_UNSET = ("registry.example.com/", "/my-project/", "gs://my-bucket", "s3://my-bucket")
_CHECKPOINTS = re.compile(r'"checkpoint_dir": "(.*?)"')  # in the settings of Tuner and Trainer


def check(package: Package, target: str, arguments: dict[str, Any]) -> None:
    """Refuses to send a package that still names the examples of the shipped configuration.

    Raises:
        UsageError: If it does; names the keys to set.
    """
    view = read(package.spec, package.platform, target)
    default = declared(package.spec).get("data_path", {}).get("defaultValue", "")
    places = {
        f"{target}.pipeline_root": view.spec.default_pipeline_root,
        "data.path": arguments.get("data_path", default),
    }
    for task in view.tasks:
        if task.container is not None:
            places[f"{target}.image"] = task.container.image
        values = task.values()
        if "serving_dir" in values:
            places[f"{target}.serving"] = values["serving_dir"].string_value
        if "custom_config" in values:
            for place in _CHECKPOINTS.findall(values["custom_config"].string_value):
                places[f"{target}.checkpoints"] = place
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

"""Submission of a compiled package: checks, arguments, and the request to the backend's client."""

from __future__ import annotations

import dataclasses
import datetime
import graphlib
import importlib
import re
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfxkit.config.loading import Config
from tfxkit.errors import UsageError
from tfxkit.kubeflow.arguments import resolve_arguments
from tfxkit.kubeflow.checks import ensure_fit, structure
from tfxkit.kubeflow.package import ROOT, Package, PackageView, view_package, write_package
from tfxkit.kubeflow.parameters import declared_parameters
from tfxkit.kubeflow.remote_run import RemoteRun, RemoteSchedule, Request
from tfxkit.kubeflow.schedule import Schedule

_SUBMISSION_LENGTH = 12
_EXAMPLES = ("registry.example.com/", "/my-project/", "gs://my-bucket", "s3://my-bucket")
_CHECKPOINTS = re.compile(r'"checkpoint_dir": "(.*?)"')  # in the settings of Tuner and Trainer


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Options of one run.

    Attributes:
        values: Texts by name of parameter, see `resolve_arguments`.
        thresholds: `METRIC.KEY=NUMBER` texts.
        name: Name of the run, or of the schedule; pipeline and time if it is None.
        experiment: The experiment of the run, in place of the configuration's.
        schedule: Times of a recurring start; None for one start, now.
    """

    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    thresholds: Sequence[str] = ()
    name: str | None = None
    experiment: str | None = None
    schedule: Schedule | None = None


def submit(
    package: Package, target: str, config: Config, options: RunOptions
) -> RemoteRun | RemoteSchedule:
    """Checks package and options, then passes them to the backend's official client.

    Args:
        package: The compiled pipeline.
        target: A module of `tfxkit.kubeflow.clients`.
        config: Has the address of the backend.
        options: The options of this run.

    Raises:
        UsageError: If package or options are wrong, the backend is unreachable or refuses, or the
            outcome of the request is unknown.
    """
    supplied = {*options.values, *(["thresholds"] if options.thresholds else [])}
    ensure_fit(package, target, "The package", supplied)
    arguments = resolve_arguments(package, target, options.values, options.thresholds)
    if examples := remaining_examples(package, target, arguments):
        raise UsageError(explain_examples(examples, target))
    client = importlib.import_module(f"tfxkit.kubeflow.clients.{target}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        write_package(package, file)
        request = Request(
            file=file,
            pipeline=package.name,
            steps=_sorted_steps(view_package(package, target)),
            root=package.spec.get("defaultPipelineRoot"),
            arguments=arguments,
            name=options.name or f"{package.name} {datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            submission=uuid.uuid4().hex[:_SUBMISSION_LENGTH],
            experiment=options.experiment,
            schedule=options.schedule,
        )
        started: RemoteRun | RemoteSchedule = client.submit(request, config)
    return started


def remaining_examples(
    package: Package, target: str, arguments: Mapping[str, Any]
) -> dict[str, str]:
    """Example values of `configs/kubeflow.yaml` or `vertex.yaml` left in a package, by their key.

    Args:
        package: A compiled pipeline.
        target: Its backend.
        arguments: The arguments of a run, in place of the package's defaults.
    """
    view = view_package(package, target)
    default = declared_parameters(package.spec).get("data_path", {}).get("defaultValue", "")
    settings = [
        (f"{target}.pipeline_root", view.spec.default_pipeline_root),
        ("data.path", arguments.get("data_path", default)),
    ]
    for task in view.tasks:
        if task.container is not None:
            settings.append((f"{target}.image", task.container.image))
        values = task.values()
        if "serving_dir" in values:
            settings.append((f"{target}.serving", values["serving_dir"].string_value))
        if "custom_config" in values:
            for folder in _CHECKPOINTS.findall(values["custom_config"].string_value):
                settings.append((f"{target}.checkpoints", folder))
    return {
        key: value
        for key, value in sorted(settings)
        if any(example in value for example in _EXAMPLES)
    }


def explain_examples(examples: Mapping[str, str], target: str) -> str:
    """Message with the keys to set, and the command that builds an image.

    Args:
        examples: From `remaining_examples`; not empty.
        target: The backend.
    """
    listed = "\n".join(f"  {key}: {value}" for key, value in examples.items())
    problem = f"These are still the examples of configs/{target}.yaml; set them there to yours:"
    image = f"{target}.image"
    build = f"Build the image and push it (make image IMAGE=NAME); {image} is its NAME."
    return "\n".join([problem, listed, *([build] if image in examples else [])])


def _sorted_steps(view: PackageView) -> tuple[str, ...]:
    """The steps, each after those that it waits for."""
    waits_for = {
        task.name: structure.upstream(task) for task in view.tasks if task.dag.name == ROOT
    }
    return tuple(graphlib.TopologicalSorter(waits_for).static_order())

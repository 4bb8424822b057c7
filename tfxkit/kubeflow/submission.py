"""From a package, and what a user says of one run, to a run that was started."""

from __future__ import annotations

import dataclasses
import datetime
import graphlib
import importlib
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfxkit.config.remote.settings import RemoteConfig
from tfxkit.kubeflow import arguments, checks, placeholders
from tfxkit.kubeflow.checks import structure
from tfxkit.kubeflow.package import ROOT, Package, PackageView, view_package, write_package
from tfxkit.kubeflow.remote_run import RemoteRun, RemoteSchedule, Request
from tfxkit.kubeflow.schedule import Schedule

_SUBMISSION_LENGTH = 12


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What a user says of one run.

    Attributes:
        values: Texts by name of parameter, see `arguments.resolve`.
        thresholds: `METRIC.KEY=NUMBER` texts.
        name: Of the run, or of the schedule; pipeline and time if it is None.
        experiment: That the run is filed under, in place of the configuration's.
        schedule: When to start it again and again.
    """

    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    thresholds: Sequence[str] = ()
    name: str | None = None
    experiment: str | None = None
    schedule: Schedule | None = None


def submit(
    compiled: Package, target: str, config: RemoteConfig, options: RunOptions
) -> RemoteRun | RemoteSchedule:
    """Checks package and options, then hands them to the backend's official client.

    Args:
        compiled: What to run.
        target: A module of `tfxkit.kubeflow.clients`.
        config: Says where.
        options: What is different in this run.

    Raises:
        UsageError: If something is wrong with the package or the options, or if the backend cannot
            be reached, or refuses; also if it is unknown what became of the request.
    """
    named = {*options.values, *(["thresholds"] if options.thresholds else [])}
    checks.ensure_fit(compiled, target, "The package", named)
    given = arguments.resolve(compiled, target, options.values, options.thresholds)
    placeholders.check(compiled, target, given)
    client = importlib.import_module(f"tfxkit.kubeflow.clients.{target}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        write_package(compiled, file)
        request = Request(
            file=file,
            pipeline=compiled.name,
            steps=_in_order(view_package(compiled, target)),
            root=compiled.spec.get("defaultPipelineRoot"),
            arguments=given,
            name=options.name or f"{compiled.name} {datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            submission=uuid.uuid4().hex[:_SUBMISSION_LENGTH],
            experiment=options.experiment,
            schedule=options.schedule,
        )
        started: RemoteRun | RemoteSchedule = client.submit(request, config)
    return started


def _in_order(view: PackageView) -> tuple[str, ...]:
    """The steps, each behind those that it waits for."""
    waits_for = {
        task.name: structure.upstream(task) for task in view.tasks if task.dag.name == ROOT
    }
    return tuple(graphlib.TopologicalSorter(waits_for).static_order())

"""The backend as a whole: takes packages, runs them, remembers what was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kubeflow.emulator import protojson
from tests.kubeflow.emulator.cache import TaskCache
from tests.kubeflow.emulator.compiler import compile_workflow
from tests.kubeflow.emulator.metadata import MetadataStore
from tests.kubeflow.emulator.object_store import ObjectStore
from tests.kubeflow.emulator.package import Package
from tests.kubeflow.emulator.run import Run
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.emulator.step import StepRunner


class Backend:
    """A cluster's Kubeflow Pipelines; a context manager that leaves no step running.

    Args:
        store: Where artifacts lie.
        runner: Runs the steps.
        folder: For logs, in `<run id>/logs/<task>-<attempt>.log`, and for steps while they run.
        settings: Settings of the backend.
    """

    def __init__(
        self, store: ObjectStore, runner: StepRunner, folder: Path, settings: Settings | None = None
    ) -> None:
        self.store, self.runner, self.folder = store, runner, folder
        self.settings = settings or Settings()
        self.metadata, self.cache = MetadataStore(), TaskCache()
        self.runs: dict[str, Run] = {}

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        for run in self.runs.values():
            run.stop()
        self.runner.close()
        for run in self.runs.values():
            run.join()

    def create_run(
        self,
        package: Package,
        parameters: Mapping[str, Any] | None = None,
        pipeline_root: str = "",
        display_name: str = "run",
    ) -> Run:
        """Compiles a package and starts it (apiserver/resource/resource_manager.go:624).

        Args:
            package: The package.
            parameters: Values of the root's parameters, as Python objects.
            pipeline_root: Where artifacts go; the backend's default if empty.
            display_name: The run's name for people.

        Raises:
            BackendError: The API server refuses to run it.
            NotEmulated: It would run it, but this emulator cannot.
        """
        values = {name: protojson.value(native) for name, native in (parameters or {}).items()}
        workflow = compile_workflow(package, values)
        run = Run(self, workflow, pipeline_root, display_name)
        self.runs[run.id] = run
        run.start()
        return run

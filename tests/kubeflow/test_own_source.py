"""ExampleGen with a reader of the project's own, as a step in a container: spans and rows."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import ConfigError
from pipeline.kubeflow import arguments, locations
from pipeline.kubeflow.package import Package, read
from tests.foreign.conftest import ForeignProject, make_foreign_project
from tests.foreign.trips_database import FILE
from tests.kubeflow.overlays import load
from tests.kubeflow.test_entrypoint import RUN, Step
from tests.kubeflow.test_entrypoint import rows as rows_in
from tfxkit.errors import UsageError

READER = "data.reader=components.trips"


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_reader_may_read_from_any_address_but_no_path_of_this_machine(target):
    for path in ("postgresql://db.example.com/trips", "/mnt/pipeline/data/trips.sqlite"):
        check(load(target, READER, f"data.path={path}"))
    with pytest.raises(ConfigError, match=r"data\.path: 'data/trips\.sqlite' is not to be found"):
        check(load(target, READER, "data.path=data/trips.sqlite"))


def check(config):
    if config.vertex is not None:
        locations.check_for_vertex(config)
    else:
        locations.check_for_kubeflow(config, config.kubeflow)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> ForeignProject:
    """A project whose owner has written a reader, never run."""
    return make_foreign_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def package(project) -> Callable[[str], Package]:
    """`package("vertex")` is compiled from the project by its own command, once."""

    @functools.cache
    def compile_once(target: str) -> Package:
        load(target)  # or skips the test
        file = project.root / f"{target}.yaml"
        path = "data.path=/mnt/pipeline/trips.sqlite"
        done = project.python(
            *("-m", "pipeline", "compile", "--target", target, "--output", str(file)),
            *("--config", target, "--set", READER, "--set", path),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return read(file)

    return compile_once


def run(step: Step, root: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *step.container["command"][1:], *step.arguments(step.container)]
    environment = {**os.environ, **step.env, **variables, "PYTHONPATH": str(root)}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.kubeflow
def test_on_kubeflow_the_step_asks_the_reader_for_spans_and_rows(project, package, tmp_path):
    step = Step(package("kubeflow"), "ExampleGen", tmp_path, RUN)
    step.parameters.update(input_base=str(project.root / FILE), range_config="newest")
    launcher = {"KFP_POD_NAME": "pod", "PIPELINE_LAUNCHER_ROOT": str(tmp_path)}
    done = run(step, project.root, launcher)
    assert done.returncode == 0, done.stderr
    [examples] = step.output()["artifacts"]["examples"]["artifacts"]
    assert rows_in(step.folder / "examples") == 400
    assert examples["metadata"]["spans"] == "[2016]"
    assert examples["metadata"]["reader"] == "components.trips"
    assert examples["metadata"]["input_fingerprint"].startswith("reader:")

    shutil.rmtree(step.folder)
    step.folder.mkdir()
    step.parameters.update(input_base=str(tmp_path / "empty.sqlite"))
    done = run(step, project.root, launcher)
    assert done.returncode == 4
    assert "components.trips.list_spans failed: OperationalError: no such table" in done.stderr


@pytest.mark.kubeflow
def test_on_vertex_the_hook_finds_the_fingerprint_for_the_cache(project, package, tmp_path):
    step = Step(package("vertex"), "ExampleGen", tmp_path, f"{tmp_path}/bucket")
    step.parameters.update(input_base=str(project.root / FILE), range_config="last:2")
    hook = step.container["lifecycle"]["preCacheCheck"]
    done = project.python(*hook["command"][1:], *step.arguments(hook))
    assert done.returncode == 0, done.stderr
    told = step.output()["parameterValues"]
    assert json.loads(told["spans"]) == [2015, 2016]
    assert told["input_fingerprint"].startswith("reader:")


@pytest.mark.kubeflow
def test_a_run_may_be_given_another_address(package):
    compiled = package("vertex")
    address = {"data_path": "postgresql://db.example.com/trips"}
    assert arguments.resolve(compiled, "vertex", address) == address
    with pytest.raises(UsageError, match=r"data_path: 'trips\.sqlite' is not to be found"):
        arguments.resolve(compiled, "vertex", {"data_path": "trips.sqlite"})

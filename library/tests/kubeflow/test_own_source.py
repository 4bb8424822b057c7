"""A reader of the project's own in a container: addresses, and the hook of Vertex AI.

tests/kubeflow/test_pushed_model.py runs it on Kubeflow.
"""

from __future__ import annotations

import json

import pytest

from tests.foreign.conftest import ForeignProject, make_foreign_project
from tests.foreign.trips_database import FILE
from tests.kubeflow.overlays import load
from tests.kubeflow.test_entrypoint import Step
from tfxkit.config.loading import ConfigError
from tfxkit.errors import UsageError
from tfxkit.kubeflow import locations
from tfxkit.kubeflow.package import Package, read_package
from tfxkit.kubeflow.submission import resolve_arguments

READER = "data.reader=components.trips"


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_reader_may_read_from_any_address_but_no_path_of_this_machine(target):
    for path in ("postgresql://db.example.com/trips", "/mnt/pipeline/data/trips.sqlite"):
        check(load(target, READER, f"data.path={path}"))
    with pytest.raises(
        ConfigError, match=r"data\.path: 'data/trips\.sqlite' does not exist inside"
    ):
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
def package(project) -> Package:
    """Of Vertex AI, compiled from the project by its own command."""
    done = project.python(
        *("-m", "pipeline", "compile", "--target", "vertex", "--output", "vertex.yaml"),
        *("--config", "vertex", "--set", READER, "--set", "data.path=/mnt/pipeline/trips.sqlite"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return read_package(project.root / "vertex.yaml")


@pytest.mark.kubeflow
def test_on_vertex_the_hook_finds_the_fingerprint_for_the_cache(project, package, tmp_path):
    step = Step(package, "ExampleGen", tmp_path, f"{tmp_path}/bucket")
    step.parameters.update(input_base=str(project.root / FILE), range_config="last:2")
    hook = step.container["lifecycle"]["preCacheCheck"]
    done = project.python(*hook["command"][1:], *step.arguments(hook))
    assert done.returncode == 0, done.stderr
    told = step.output()["parameterValues"]
    assert json.loads(told["spans"]) == [2015, 2016]
    assert told["input_fingerprint"].startswith("reader:")


@pytest.mark.kubeflow
def test_a_run_may_be_given_another_address(package):
    address = {"data_path": "postgresql://db.example.com/trips"}
    assert resolve_arguments(package, "vertex", address) == address
    with pytest.raises(UsageError, match=r"data_path: 'trips\.sqlite' does not exist inside"):
        resolve_arguments(package, "vertex", {"data_path": "trips.sqlite"})

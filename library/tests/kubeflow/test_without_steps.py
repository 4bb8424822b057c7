"""The DAG without some of its steps, compiled: nothing is left of them, and the rest is fit."""

from __future__ import annotations

import importlib

import pytest

from tests import dag_edits
from tests.kubeflow.overlays import load
from tests.sample_project import CONFIGS
from tfxkit.kubeflow import TARGETS
from tfxkit.kubeflow.checks import find_problems
from tfxkit.kubeflow.parameters import declared_parameters

OF_THE_GATE = {"drift", "stop_at"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "variables", [*((one,) for one in dag_edits.OPTIONAL), tuple(dag_edits.OPTIONAL)], ids=",".join
)
def test_it_is_compiled_without_them(variables, target, monkeypatch):
    names = {dag_edits.OPTIONAL[variable] for variable in variables}
    # Settings of a step that is gone would be refused, as those of any that does not exist.
    steps = [f"{target}.steps.DataGate=null"] if "DataGate" in names else []
    config = load(target, f"dag={dag_edits.without(monkeypatch, *variables)}", *steps)
    runner = importlib.import_module(f"tfxkit.kubeflow.runners.{target}")
    package = runner.compile_package(config, CONFIGS)
    tasks = package.spec["root"]["dag"]["tasks"]
    assert {"Trainer", "Pusher", "Report"} <= tasks.keys() and not names & tasks.keys()
    assert find_problems(package, target) == []
    assert names.isdisjoint(tasks["Report"]["dependentTasks"])
    assert ("DataGate" in names) != (declared_parameters(package.spec).keys() >= OF_THE_GATE)

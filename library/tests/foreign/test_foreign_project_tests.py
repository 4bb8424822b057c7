"""The tests that a project starts with hold for features, a network and a DAG of the owner's."""

from __future__ import annotations

import shutil

import pytest

from tests.foreign.conftest import make_foreign_project
from tests.sample_project import ROOT

pytestmark = pytest.mark.slow
OF_SHIPPED_METRICS = "test_metrics.py"  # the owner has others


def test_they_pass_but_for_those_of_the_shipped_metrics(tmp_path):
    project = make_foreign_project(tmp_path / "project")
    for test in (ROOT / "tests").glob("*.py"):
        if test.name != OF_SHIPPED_METRICS:
            shutil.copy(test, project.root / "tests")
    shutil.copy(ROOT / "pyproject.toml", project.root)
    done = project.python("-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and " skipped" not in done.stdout

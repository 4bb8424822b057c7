"""Kubeflow and Vertex are optional: without their files the rest works as before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sample_project import CONFIGS, ROOT, copy_with_code

FEATURE = (
    "tfxkit/kubeflow",
    "tfxkit/config/remote",
    "tfxkit/commands/compile.py",
    "tfxkit/commands/submit.py",
    "configs/kubeflow.yaml",
    "configs/vertex.yaml",
)


@pytest.fixture(scope="module")
def without(tmp_path_factory) -> Path:
    copy = tmp_path_factory.mktemp("project")
    copy_with_code(copy)
    for name in FEATURE:
        path = copy / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return copy


def run(project: Path, *args: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pipeline", *args]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("args", [("--help",), ("run", "--help"), ("config", "schema")])
def test_the_rest_goes_without_them_and_does_not_speak_of_them(args, without):
    done = run(without, *args)
    assert done.returncode == 0, done.stderr
    assert "kubeflow" not in done.stdout.lower() and "vertex" not in done.stdout.lower()


def test_the_configuration_loads_without_their_sections(without):
    done = run(without, "config", "show", "--config", "fast")
    assert done.returncode == 0, done.stderr
    with_them = run(ROOT, "config", "show", "--config", "fast", "--config-dir", str(CONFIGS))
    assert done.stdout == with_them.stdout


def test_a_section_of_theirs_is_an_unknown_key_then(without):
    done = run(without, "config", "show", "--set", "kubeflow.image=x")
    assert done.returncode == 2
    assert "kubeflow: unknown key" in done.stderr

"""The command named after the project: from any folder, wherever the project lies."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.pipeline.environment.small_project import PYTHON, Project

pytestmark = pytest.mark.slow


def test_works_wherever_the_project_lies(tmp_path: Path) -> None:
    root = tmp_path / """größe mit 'Zeichen', "$(touch x)" \\n""" / ("n" * 120)
    root.mkdir(parents=True)
    project = Project(root, tmp_path / "wheels")
    code, output = project.make()
    assert code == 0, output
    [name] = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    script = project.venv / "bin" / name
    link = tmp_path / "link"
    link.symlink_to(script)
    for command in (script, link):
        result = subprocess.run(
            [command, "doctor"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert "ok    platform: " in result.stdout, result.stderr
    # TFX is not there, in these tests.
    result = subprocess.run(
        [script, "run"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "source .venv/bin/activate" in result.stderr


def test_follows_pyproject(project: Project) -> None:
    assert project.make()[0] == 0
    pyproject = project.root / "pyproject.toml"
    [name] = tomllib.loads(pyproject.read_text())["project"]["scripts"]
    scripts = project.venv / "bin"
    pyproject.write_text(pyproject.read_text().replace(f"\n{name} = ", "\nother-name = "))
    code, output = project.make()
    assert code == 0, output
    assert os.access(scripts / "other-name", os.X_OK)
    assert not (scripts / name).exists()
    assert {"python", "pip"} <= set(os.listdir(scripts))


def test_without_the_environment_one_sentence_says_how_to_activate_it(project: Project) -> None:
    command = [PYTHON, "-m", "pipeline", "run"]
    result = subprocess.run(
        command,
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "source .venv/bin/activate" in result.stderr
    assert "make setup" in result.stderr
    assert "Traceback" not in result.stderr

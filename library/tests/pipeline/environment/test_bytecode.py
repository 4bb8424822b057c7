"""Installed modules are compiled; those that have their bytecode stay as they are."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest

from tests.sample_project import LIBRARY
from tfxkit.environment import paths


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment in which nothing is installed."""
    folder = tmp_path / "größe mit 'Zeichen'"
    venv.create(folder, symlinks=True)
    return folder


def compile_in(environment: Path) -> str:
    """Compiles what is installed, without an error, and returns what was printed."""
    done = subprocess.run(
        [environment / "bin" / "python", "-m", "tfxkit.environment.bytecode"],
        env={**os.environ, "PYTHONPATH": str(LIBRARY / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    return done.stdout


def compiled(environment: Path) -> dict[str, int]:
    """When each module was compiled, by its name."""
    files = paths.site_packages(environment).rglob("__pycache__/*.pyc")
    return {path.name.split(".")[0]: path.stat().st_mtime_ns for path in files}


def test_compiles_what_has_no_bytecode_and_nothing_else(environment: Path) -> None:
    site_packages = paths.site_packages(environment)
    for number in range(20):
        package = site_packages / f"package{number % 3}"
        package.mkdir(exist_ok=True)
        (package / f"module{number}.py").write_text('A = "\\d"\n')  # an invalid escape: a warning
    assert compile_in(environment) == "Compiling 20 modules to bytecode\n"
    first = compiled(environment)
    assert first.keys() == {f"module{number}" for number in range(20)}

    assert compile_in(environment) == ""
    changed = site_packages / "package1" / "module1.py"
    changed.write_text("A = 12345\n")
    assert compile_in(environment) == "Compiling 1 modules to bytecode\n"
    second = compiled(environment)
    assert {name for name in first if first[name] != second[name]} == {"module1"}


def test_a_module_that_is_no_python_is_no_failure(environment: Path) -> None:
    site_packages = paths.site_packages(environment)
    (site_packages / "template.py").write_text("class {{ name }}:\n")
    (site_packages / "latin.py").write_bytes("x = 'ä'\n".encode("latin-1"))
    (site_packages / "good.py").write_text("A = 1\n")
    compile_in(environment)
    assert compiled(environment).keys() == {"good"}


def test_bytecode_that_cannot_be_written_is_a_failure(environment: Path) -> None:
    site_packages = paths.site_packages(environment)
    (site_packages / "good.py").write_text("A = 1\n")
    (site_packages / "__pycache__").write_text("no folder\n")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        compile_in(environment)
    assert "__pycache__" in failure.value.stderr

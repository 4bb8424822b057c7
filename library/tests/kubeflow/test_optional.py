"""Kubeflow, Vertex AI and serving are extras: without their packages everything else works.

The packages are left out of the path of a real Python, as in an environment without the extra.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Collection
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.sample_project import CONFIGS, DATA, LIBRARY, ROOT
from tfxkit.extras import PACKAGES

IMAGE = "registry.example.com/taxi:1"


SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


def installed_files(package: str) -> set[Path]:
    files = metadata.distribution(package).files
    assert files
    return {Path(os.path.normpath(SITE_PACKAGES / file)) for file in files}


def is_installed(package: str) -> bool:
    """False for drivers of services, which no test can reach."""
    try:
        return bool(metadata.distribution(package))
    except metadata.PackageNotFoundError:
        return False


def link(source: Path, target: Path, without: Collection[Path]) -> None:
    """Links all files but some; folders of nothing else are left out."""
    folders = {parent for file in without for parent in file.parents}
    for path in source.iterdir():
        if path in folders:
            link(path, target / path.name, without)
        elif path not in without and path.name != "__pycache__":
            target.mkdir(parents=True, exist_ok=True)
            (target / path.name).symlink_to(path)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Makes the folder of installed packages without some of them."""

    def make(*packages: str) -> Path:
        folder = tmp_path_factory.mktemp("environment") / "site-packages"
        without = set().union(*map(installed_files, packages))
        link(Path(os.path.normpath(SITE_PACKAGES)), folder, without)
        return folder

    return make


@pytest.fixture(scope="module")
def bare(environment) -> Path:
    packages = {package for packages in PACKAGES.values() for package in packages}
    return environment(*filter(is_installed, packages))


def run(site_packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a subcommand; -S keeps the complete site-packages of this Python off its path."""
    path = os.pathsep.join(map(str, (site_packages, ROOT, LIBRARY / "src", LIBRARY)))
    return subprocess.run(
        [sys.executable, "-S", "-m", "pipeline", *arguments],
        cwd=LIBRARY,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def where(outputs: Path) -> list[str]:
    return ["--config-dir", str(CONFIGS), "--set", f"outputs={outputs}"]


@pytest.mark.parametrize(
    ("command", "task", "extra"),
    [
        (("compile",), "Compiling", "kubeflow"),
        (("compile", "--target", "vertex"), "Compiling", "vertex"),
        (("compile", "--check", "package.yaml"), "Compiling", "kubeflow"),
        (("submit", "--target", "kubeflow"), "Submitting", "kubeflow"),
        (("submit", "package.yaml", "--target", "vertex"), "Submitting", "vertex"),
        (("serve",), "Serving", "serving"),
    ],
)
def test_a_command_without_its_extra_names_the_extra_the_file_and_the_commands(
    command, task, extra, bare, tmp_path
):
    done = run(bare, *command, *where(tmp_path / "outputs"))
    assert done.returncode == 2
    assert done.stderr == (
        f"{task} needs the extra `{extra}` of tfxkit: add it to extras in section [tool.tfxkit] "
        "of pyproject.toml, then run make lock and make setup.\n"
    )
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("command", [("--help",), ("compile", "--help"), ("config", "schema")])
def test_help_and_schema_are_the_same_without_the_packages(command, bare):
    done = run(bare, *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout == run(SITE_PACKAGES, *command).stdout


@pytest.mark.parametrize("overlay", ["kubeflow", "vertex"])
def test_the_section_of_a_backend_is_accepted_without_its_packages(overlay, bare, tmp_path):
    done = run(bare, "config", "show", "--config", overlay, *where(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"\n{overlay}:\n" in done.stdout
    done = run(bare, "config", "show", "--set", f"{overlay}.imgae={IMAGE}", *where(tmp_path))
    assert done.returncode == 2
    assert f"{overlay}.imgae: unknown key; did you mean image?" in done.stderr


@pytest.mark.slow
def test_a_run_with_the_section_of_a_backend_needs_none_of_its_packages(bare, tmp_path):
    overlays = [word for name in ("kubeflow", "fast") for word in ("--config", name)]
    done = run(
        *(bare, "run", "--to", "StatisticsGen", *overlays, "--set", f"data.path={DATA}"),
        *where(tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_vertex_needs_no_package_of_kubernetes(environment, tmp_path):
    site_packages = environment("kfp-kubernetes")
    package = tmp_path / "vertex.yaml"
    compile_ = ("compile", "-o", str(package), *where(tmp_path / "outputs"), "--target")
    assert "needs the extra `kubeflow`" in run(site_packages, *compile_, "kubeflow").stderr
    assert not package.exists()
    done = run(site_packages, *compile_, "vertex")
    assert done.returncode == 0, done.stdout + done.stderr
    assert package.exists()


def test_the_extras_are_those_of_the_library():
    project = tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]
    extras = {
        extra: tuple(Requirement(line).name for line in requirements)
        for extra, requirements in project["optional-dependencies"].items()
    }
    assert extras == PACKAGES

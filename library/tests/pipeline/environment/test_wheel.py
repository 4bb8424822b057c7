"""The wheels of project and library: what Beam workers and the container image install."""

from __future__ import annotations

import itertools
import json
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.sample_project import CONFIGS, LIBRARY, ROOT, span
from tfxkit.environment import paths

PACKAGES = ("components", "models", "pipeline")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILD = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools packs what an older build has left in its folder, too."""
    root = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, root / package, ignore=ignored)
    for pattern in ("pyproject.toml", "setup.py", "LICENSE*", "README.md"):
        for file in ROOT.glob(pattern):
            shutil.copy(file, root)
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, out], cwd=root, check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with both wheels, beside the packages of the lock."""
    folder = tmp_path_factory.mktemp("environment")
    backend = runpy.run_path(str(LIBRARY / "build_backend.py"))
    library = folder / backend["build_wheel"](folder)
    venv.create(folder, symlinks=True)
    site_packages = paths.site_packages(folder)
    for each in (wheel, library):
        with zipfile.ZipFile(each) as archive:  # all there is to installing one without scripts
            archive.extractall(site_packages)
    # A .pth file in there, such as the one that points to this checkout, is not followed.
    (site_packages / "lock.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-I", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_holds_every_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }
    assert sources <= packed
    assert {Path(name).parts[0] for name in packed} == set(PACKAGES)


def test_metadata_is_that_of_pyproject(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        lines = archive.read(name).decode().splitlines()
        [entries] = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
        commands = archive.read(entries).decode().splitlines()
        licences = [n for n in archive.namelist() if n.endswith("licenses/LICENSE")]
    assert "Requires-Python: <3.14,>=3.11" in lines
    assert f"License-Expression: {PROJECT['license']}" in lines
    # What a run needs is in the lock, and the library is in vendor/: no index is asked for it.
    wanted = [line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line]
    assert len(wanted) == len(PROJECT["dependencies"])
    assert licences
    for name, target in PROJECT["scripts"].items():
        assert f"{name} = {target}" in commands


def test_all_packages_come_from_the_wheel(python: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys, components, models, pipeline, tfxkit;"
        "packages = (pipeline, components, models, tfxkit);"
        "print(json.dumps([[m.__file__ for m in packages], sys.path]))"
    )
    result = run(python, tmp_path, "-c", code)
    assert result.returncode == 0, result.stderr
    site_packages = str(paths.site_packages(python.parents[1]))
    files, search_path = json.loads(result.stdout)
    assert all(file.startswith(site_packages) for file in files)
    assert str(ROOT) not in search_path


def test_command_line_runs_outside_the_checkout(python: Path, tmp_path: Path) -> None:
    result = run(python, tmp_path, "-m", "pipeline", "--help")
    assert result.returncode == 0, result.stderr
    assert "exit codes" in result.stdout


def test_the_pages_of_the_library_are_read_from_its_wheel(python: Path, tmp_path: Path) -> None:
    result = run(python, tmp_path, "-m", "pipeline", "docs")
    assert result.returncode == 0, result.stderr
    assert result.stdout == docs_in_the_repository()
    for page, file in (
        ("configuration", "docs/configuration.md"),
        ("steps", "docs/extending/steps.md"),
        ("changelog", "CHANGELOG.md"),
    ):
        result = run(python, tmp_path, "-m", "pipeline", "docs", page)
        assert result.returncode == 0, result.stderr
        assert result.stdout == (LIBRARY / file).read_text()
    result = run(python, tmp_path, "-m", "pipeline", "docs", "--search", "worst_slice")
    assert result.stdout == docs_in_the_repository("--search", "worst_slice")


def docs_in_the_repository(*arguments: str) -> str:
    command = [sys.executable, "-m", "pipeline", "docs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_pages_are_no_code_of_a_step(python: Path, tmp_path: Path) -> None:
    """A step compares the code of its image with that of the package."""
    program = "from tfxkit.storage.step_cache import library_hash; print(library_hash())"
    installed = run(python, tmp_path, "-c", program)
    here = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert installed.stdout == here.stdout


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder as a user without the checkout would have it: configs, and 200 rows of data."""
    shutil.copytree(CONFIGS, tmp_path / "configs")
    source = span(1)
    target = tmp_path / "data" / "taxi" / "span-1" / source.name
    target.parent.mkdir(parents=True)
    with source.open() as rows:
        target.write_text("".join(itertools.islice(rows, 201)))
    return tmp_path


def test_configuration_is_read_from_where_one_says(python: Path, elsewhere: Path) -> None:
    (elsewhere / "configs").rename(elsewhere / "mine")
    with (elsewhere / "mine" / "base.yaml").open("a") as base:
        base.write("cache: false\n")
    result = run(python, elsewhere, "-m", "pipeline", "config", "show", "--config-dir", "mine")
    assert result.returncode == 0, result.stderr
    assert "pipeline: sample-trips\n" in result.stdout
    assert "cache: false\n" in result.stdout


@pytest.mark.slow
def test_the_pipeline_runs_outside_the_checkout(python: Path, elsewhere: Path) -> None:
    own_dag = ("--set", "dag=pipeline.dag")  # in place of that of the tests
    configuration = ("--config", "fast", "--config-dir", "configs", *own_dag)
    arguments = ("run", "--to", "StatisticsGen", *configuration)
    result = run(python, elsewhere, "-m", "pipeline", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    [file] = elsewhere.glob("outputs/*/runs/latest/summary.json")
    states = {step["name"]: step["state"] for step in json.loads(file.read_text())["steps"]}
    assert {states["ExampleGen"], states["StatisticsGen"]} == {"run"}
    # Python keeps the bytecode of what it has run beside its source.
    site_packages = paths.site_packages(python.parents[1])
    for module in (
        "pipeline/dag",
        "tfxkit/components/example_gen/component",
        "tfxkit/config/dataset",
    ):
        folder, name = module.rsplit("/", 1)
        assert list((site_packages / folder / "__pycache__").glob(f"{name}.*.pyc")), module

"""The library in a project: the wheel that a build gives, and nothing asked of an index."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from template import library, lock, project
from tests.template.conftest import PYTHON, REPOSITORY, VERSION
from tests.template.test_answers import GOOD
from tests.template.test_ways import find_python

WHEEL = f"tfxkit-{VERSION}-py3-none-any.whl"


@pytest.fixture
def made(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    project.write(REPOSITORY, folder, GOOD, tmp_path, kept=lambda _: False)
    return folder


def test_its_bytes_are_those_of_a_build(made, tmp_path):
    command = "import sys, build_backend; print(build_backend.build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [PYTHON, "-B", "-c", command, str(tmp_path)],
        cwd=REPOSITORY / "library",
        capture_output=True,
        text=True,
        check=True,
    )
    assert built.stdout.strip() == WHEEL
    with zipfile.ZipFile(made / "vendor" / WHEEL) as ours, zipfile.ZipFile(tmp_path / WHEEL) as one:
        # A file that git does not track, as while somebody writes it, is in the build alone.
        untracked = set(one.namelist()) - set(ours.namelist())
        assert not set(ours.namelist()) - set(one.namelist())
    if not untracked:
        assert (made / "vendor" / WHEEL).read_bytes() == (tmp_path / WHEEL).read_bytes()


@pytest.mark.template
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_it_is_the_same_from_every_python(version, made, tmp_path):
    python = find_python(version)
    if not python:
        pytest.skip(f"needs Python {version}")
    command = [python, "-B", str(REPOSITORY / "template"), str(tmp_path / "other"), "--keep"]
    given = [f"{question}={answer}" for question, answer in GOOD.items()]
    subprocess.run([*command, *given], check=True, env={"PATH": "/usr/bin:/bin"}, umask=0o077)
    other = tmp_path / "other" / "vendor" / WHEEL
    assert other.read_bytes() == (made / "vendor" / WHEEL).read_bytes()
    assert other.stat().st_mode & 0o777 == 0o644
    requirement = (made / library.REQUIREMENT).read_bytes()
    assert (tmp_path / "other" / library.REQUIREMENT).read_bytes() == requirement


def test_pip_takes_it_by_its_hash_alone(made, tmp_path):
    install = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--no-deps"]
    command = [*install, "--require-hashes", "--target", str(tmp_path / "installed")]
    command += ["--requirement", library.REQUIREMENT]
    subprocess.run(command, cwd=made, capture_output=True, check=True)
    assert (tmp_path / "installed" / "tfxkit" / "py.typed").exists()

    wheel = made / "vendor" / WHEEL
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    refused = subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr


def test_another_wheel_is_removed(made):
    (made / "vendor" / "tfxkit-0.1.9-py3-none-any.whl").touch()
    (made / "vendor" / "own-1.0-py3-none-any.whl").touch()
    library.write(REPOSITORY, made)
    assert {file.name for file in (made / "vendor").iterdir()} == {
        WHEEL,
        "own-1.0-py3-none-any.whl",
    }


@pytest.mark.parametrize("runs_on", ["local", "kubeflow", "vertex", "all"])
def test_no_lock_names_it(runs_on, tmp_path):
    project.write(REPOSITORY, tmp_path, {**GOOD, "runs_on": runs_on}, tmp_path, lambda _: False)
    for file in (tmp_path / "requirements").iterdir():
        lines = [
            line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")
        ]
        named = [line for line in lines if "tfxkit" in line]
        assert named == ([f"vendor/{WHEEL} \\"] if file.name == "library.txt" else [])


@pytest.mark.template
@pytest.mark.parametrize(
    ("kept", "extras"),
    [(("serving",), "serving"), (("vertex", "serving"), "vertex,serving")],
)
def test_a_pruned_lock_is_what_uv_writes(kept, extras, tmp_path):
    text = (REPOSITORY / lock.PATH).read_text()
    shutil.copytree(REPOSITORY / "library", tmp_path / "library", ignore=lambda *_: {"tests"})
    (tmp_path / "runtime.txt").write_text(text)  # uv keeps its versions
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("needs uv in .venv")
    command = [uv, "pip", "compile", "--universal", "--python-version=3.11", "--generate-hashes"]
    command += ["--quiet", "--no-emit-package=tfxkit", "--output-file=runtime.txt"]
    command += ["--custom-compile-command=make lock", "library.in"]
    (tmp_path / "library.in").write_text(f"./library[{extras}]\n")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs a package index: {done.stderr[-200:]}")
    assert (tmp_path / "runtime.txt").read_text() == lock.prune(text, REPOSITORY / "library", kept)

"""A copy of this repository as a template, and a shell with a home of its own to use it from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
GIT_CONFIG = """
[user]
name = t
email = t@example.com
[init]
defaultBranch = main
[safe]
directory = * # a checkout may belong to another user
"""
Shell = Callable[..., subprocess.CompletedProcess]
# cookiecutter and copier as users have them: in a Python that knows nothing of this repository,
# whose folder .venv has on its path. (Files *.pth have no effect in a folder of PYTHONPATH.)
PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
PACKAGES = sysconfig.get_path("purelib")
VERSION = "0.2.0"


@pytest.fixture
def home(tmp_path) -> Path:
    """`out` is where projects are made; `home` and `tmp` are what programs leave behind."""
    for name in ("home", "tmp", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(GIT_CONFIG)
    return tmp_path


@pytest.fixture
def sh(home) -> Shell:
    """Runs a command in `out`; it has to succeed, or with `ok=False` to fail."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    places = {"HOME": "home", "TMPDIR": "tmp", "COPIER_CACHE_DIR": "home/copier"}
    env = {**kept, **{key: str(home / folder) for key, folder in places.items()}}
    env["PYTHONDONTWRITEBYTECODE"] = "1"

    def call(
        *command, cwd=home / "out", ok=True, stdin=None, path=""
    ) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**env, "PWD": str(cwd), "PYTHONPATH": str(path)},  # PWD as a shell has it
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) == ok, f"{done.returncode}: {done.stdout}{done.stderr}"
        return done

    return call


@pytest.fixture
def cookiecutter(sh) -> Shell:
    def call(*arguments, python=PYTHON, **more):
        return sh(python, "-m", "cookiecutter", *arguments, path=PACKAGES, **more)

    return call


@pytest.fixture
def copier(sh) -> Shell:
    def call(verb, *arguments, **more):
        options = ["--trust", "--defaults", "--quiet"]
        return sh(PYTHON, "-m", "copier", verb, *options, *arguments, path=PACKAGES, **more)

    return call


@pytest.fixture
def template(sh, home) -> Path:
    """This repository as it lies here, committed or not, as version v0.2.0."""
    copy = home / "template"
    listed = sh("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=REPOSITORY).stdout
    for path in listed.split("\0"):
        if (REPOSITORY / path).is_file():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / path, copy / path)
    sh("git", "init", "-q", cwd=copy)
    commit(sh, copy, f"v{VERSION}")
    return copy


def commit(sh: Shell, folder: Path, tag: str = "") -> None:
    """Commits all that is in a repository."""
    sh("git", "add", "-A", cwd=folder)
    sh("git", "commit", "-qm", tag or "all", cwd=folder)
    if tag:
        sh("git", "tag", tag, cwd=folder)


def replace(file: Path, old: str, new: str) -> None:
    """Changes a file where it says `old`, which it does once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, file
    file.write_text(text.replace(old, new), encoding="utf-8")


def unpack(wheel: Path, folder: Path) -> Path:
    """The packages of a wheel in a folder, as an installation has them: for PYTHONPATH."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder

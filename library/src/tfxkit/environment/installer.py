"""Installs locks into `.venv`: uv with pip, everything else with uv.

Where the system's glibc is older than two of the wheels ask for, these two are installed by a call
of their own that makes uv believe in a newer one. All others are chosen for the system as it is:
cryptography, for one, has wheels for several, and the newest would not load on an older system.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tfxkit.environment import commands, glibc, paths

NEWER_GLIBC = "x86_64-manylinux_{}_{}".format(*glibc.WHEELS_NEED)


def install_uv() -> None:
    """Installs the locked uv, with the pip that every virtual environment has."""
    pip = [str(paths.VENV_PYTHON), "-I", "-m", "pip", "--disable-pip-version-check", "install"]
    options = ["--require-hashes", "--only-binary=:all:", "-r", str(paths.INSTALLER_LOCK)]
    commands.run([*pip, *options], paths.clean_environment(), quiet=True)


def sync(locks: Iterable[Path]) -> None:
    """Makes the environment hold what these locks say and nothing else."""
    requirements = _requirements(locks)
    if not glibc.is_needed():
        _uv("sync", requirements)
        return
    _uv("sync", [each for each in requirements if name(each) not in glibc.DISTRIBUTIONS])
    too_new = [each for each in requirements if name(each) in glibc.DISTRIBUTIONS]
    _uv("install", too_new, "--no-deps", f"--python-platform={NEWER_GLIBC}", "--requirements")


def add(locks: Iterable[Path]) -> None:
    """Installs what these locks say beside what the environment holds.

    A wheel in vendor/ takes the place of one with the same version.
    """
    requirements = _requirements(locks)
    again = [f"--reinstall-package={name(each)}" for each in requirements if is_file(each)]
    _uv("install", requirements, "--no-deps", *again, "--requirements")


def split(lock: str) -> list[str]:
    """The requirements in the text of a lock, each with its marker, hashes and comments."""
    return re.split(r"(?m)^(?=[A-Za-z0-9])", lock)[1:]


def is_file(requirement: str) -> bool:
    """True for a wheel in the project's folder, False for a package of an index."""
    return pin(requirement).endswith(".whl")


def pin(requirement: str) -> str:
    """A requirement of a lock without hashes and comments: `name==version ; marker`, or a path."""
    return requirement.split("\\", 1)[0].strip()


def name(requirement: str) -> str:
    """The name of the package that a requirement of a lock is about."""
    if is_file(requirement):
        return name_and_version(pin(requirement))[0]
    return requirement.split("==", 1)[0]


def name_and_version(wheel: str) -> tuple[str, str]:
    """Name and version in the name of a wheel's file."""
    name, version = Path(wheel).name.split("-")[:2]
    return name.replace("_", "-"), version


def _requirements(locks: Iterable[Path]) -> list[str]:
    return [each for lock in locks for each in split(lock.read_text("utf-8"))]


def _uv(action: str, requirements: list[str], *options: str) -> None:
    always = [f"--python={paths.VENV_PYTHON}", "--require-hashes"]
    # What builds a package from source is locked as well.
    always.append(f"--build-constraints={paths.RUNTIME_LOCK}")
    uv = str(paths.VENV / "bin" / "uv")
    # Like pip, trust what the system trusts, and use the mirror in pip's configuration.
    environment = {"UV_SYSTEM_CERTS": "1", **_mirror(), **paths.clean_environment()}
    commands.run([uv, "pip", action, *always, *options, "-"], environment, "".join(requirements))


def _mirror() -> dict[str, str]:
    pip = [str(paths.VENV_PYTHON), "-I", "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(pip, capture_output=True, text=True, check=False)
    url = os.environ.get("PIP_INDEX_URL") or configured.stdout.strip()
    return {"UV_DEFAULT_INDEX": url} if url else {}

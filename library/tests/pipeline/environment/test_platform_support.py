"""Where TFX cannot be installed, a sentence says why and what to use instead."""

from __future__ import annotations

import tomllib

import pytest

from tests.sample_project import LIBRARY, ROOT
from tfxkit.environment.platform_support import NEWEST_PYTHON, OLDEST_PYTHON, Machine, refusal

GOOD = Machine("Linux", "x86_64", (3, 12), "CPython", free_threaded=False, glibc=(2, 36))


@pytest.mark.parametrize(
    "machine",
    [
        GOOD,
        GOOD._replace(python=(3, 11), glibc=(2, 34)),
        GOOD._replace(python=(3, 13), glibc=(2, 41)),
        GOOD._replace(system="Darwin", cpu="arm64", glibc=None),
    ],
)
def test_accepts(machine: Machine) -> None:
    assert refusal(machine) is None


@pytest.mark.parametrize(
    ("machine", "why", "instead"),
    [
        (GOOD._replace(cpu="aarch64"), "Linux on aarch64", "linux/amd64"),
        (GOOD._replace(cpu="32-bit x86_64"), "32-bit", "x86-64"),
        (GOOD._replace(glibc=None), "musl", "Debian 12"),
        (GOOD._replace(glibc=(2, 31)), "2.31 is too old", "Debian 12"),
        (GOOD._replace(system="Windows", cpu="AMD64", glibc=None), "Windows", "WSL 2"),
        (GOOD._replace(system="Darwin", glibc=None), "Intel", "arm64 Python"),
        (GOOD._replace(system="FreeBSD", glibc=None), "FreeBSD", "Linux x86-64"),
        (GOOD._replace(python=(3, 10)), "3.10 is too old", "3.11 to 3.13"),
        (GOOD._replace(python=(3, 14)), "3.14 yet", "3.11 to 3.13"),
        (GOOD._replace(implementation="PyPy"), "PyPy", "3.11 to 3.13"),
        (GOOD._replace(free_threaded=True), "free-threaded", "3.11 to 3.13"),
    ],
)
def test_refuses(machine: Machine, why: str, instead: str) -> None:
    sentence = refusal(machine)
    assert sentence is not None
    assert why in sentence
    assert instead in sentence


def test_package_metadata_names_the_same_pythons() -> None:
    oldest, newest = OLDEST_PYTHON, NEWEST_PYTHON
    for folder in (ROOT, LIBRARY):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"

"""The lock: hashed, without addresses, and made from pyproject.toml as it is."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tfxkit.environment import glibc, paths
from tfxkit.environment.installer import split

LOCKS = pytest.mark.parametrize("lock", paths.LOCKS, ids=lambda lock: lock.name)
PYPROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())


def locked(lock_name: str) -> dict[str, list[Requirement]]:
    """The requirements of a lock by name; a package may have a version for each Python."""
    found: dict[str, list[Requirement]] = {}
    for block in split((paths.REQUIREMENTS / lock_name).read_text()):
        requirement = Requirement(block.split("\\", 1)[0])
        found.setdefault(requirement.name, []).append(requirement)
    return found


@LOCKS
def test_pins_and_hashes_everything_and_names_no_index(lock) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", ""), re.MULTILINE)
    for block in split(text):
        assert re.match(r"[a-z0-9-]+==\S+ ", block)
        assert "--hash=sha256:" in block


@pytest.mark.parametrize(
    ("lock_name", "wanted"),
    [
        ("runtime.txt", PYPROJECT["project"]["dependencies"]),
        ("dev.txt", PYPROJECT["dependency-groups"]["dev"]),
        ("installer.txt", PYPROJECT["dependency-groups"]["installer"]),
    ],
)
def test_holds_what_pyproject_asks_for(lock_name: str, wanted: list[str]) -> None:
    held = locked(lock_name)
    for text in wanted:
        requirement = Requirement(text)
        for pin in held[requirement.name.lower()]:
            [version] = [specifier.version for specifier in pin.specifier]
            assert requirement.specifier.contains(version), f"{text}: run `make lock`"


def test_tests_run_with_the_versions_of_production() -> None:
    runtime, dev = locked("runtime.txt"), locked("dev.txt")
    common = runtime.keys() & dev.keys()
    assert "numpy" in common
    for name in common:
        assert {str(r.specifier) for r in runtime[name]} == {str(r.specifier) for r in dev[name]}


def test_patch_is_for_the_locked_versions() -> None:
    """A new version of either package has other files: `glibc.KNOWN` must learn them."""
    for name in glibc.DISTRIBUTIONS:
        assert [str(pin.specifier) for pin in locked("runtime.txt")[name]] == ["==1.21.0"]

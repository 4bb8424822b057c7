"""The locks: hashed, without addresses, and made from what both pyproject.toml ask for."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.sample_project import LIBRARY, ROOT
from tfxkit.environment import glibc, paths
from tfxkit.environment.installer import is_file, split

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OF_LIBRARY = tomllib.loads((LIBRARY / "pyproject.toml").read_text())
EXTRAS = OF_LIBRARY["project"]["optional-dependencies"]
RUNTIME = "requirements/runtime.txt"
WANTED = {
    RUNTIME: [
        *PROJECT["project"]["dependencies"],
        *OF_LIBRARY["project"]["dependencies"],
        *(each for extra in PROJECT["tool"]["tfxkit"]["extras"] for each in EXTRAS[extra]),
    ],
    "requirements/installer.txt": PROJECT["dependency-groups"]["installer"],
    "requirements/test.txt": PROJECT["dependency-groups"]["test"],
    "requirements/notebooks.txt": PROJECT["dependency-groups"]["notebooks"],
    "library/requirements/dev.txt": OF_LIBRARY["dependency-groups"]["dev"],
    "library/requirements/docs.txt": OF_LIBRARY["dependency-groups"]["docs"],
}
LOCKS = pytest.mark.parametrize("lock", WANTED)


def locked(lock: str) -> dict[str, list[Requirement]]:
    """The requirements of a lock by name; a package may have a version for each Python."""
    found: dict[str, list[Requirement]] = {}
    for block in split((ROOT / lock).read_text()):
        requirement = Requirement(block.split("\\", 1)[0])
        found.setdefault(requirement.name, []).append(requirement)
    return found


def test_set_up_installs_these_locks() -> None:
    assert paths.ROOT == ROOT
    installed = paths.locks(tuple(paths.GROUPS))
    assert installed.keys() == WANTED.keys() - {"library/requirements/docs.txt"}


@LOCKS
def test_pins_and_hashes_everything_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", ""), re.MULTILINE)
    for block in split(text):
        assert re.match(r"[a-z0-9-]+==\S+ ", block)
        assert "--hash=sha256:" in block


@LOCKS
def test_holds_what_pyproject_asks_for(lock: str) -> None:
    held = locked(lock)
    for text in WANTED[lock]:
        requirement = Requirement(text)
        for pin in held[requirement.name.lower()]:
            [version] = [specifier.version for specifier in pin.specifier]
            assert requirement.specifier.contains(version), f"{text}: run `make lock`"


def test_what_is_installed_together_has_one_version() -> None:
    """Of each package, on each Python: tools run with the versions of production."""
    together = [locked(lock) for lock in WANTED if lock != "library/requirements/docs.txt"]
    assert "packaging" in together[0].keys() & together[2].keys()
    for name in set().union(*together):
        versions = [{str(pin.specifier) for pin in pins[name]} for pins in together if name in pins]
        assert all(each <= versions[0] for each in versions), name


def test_nothing_requires_the_library_by_name() -> None:
    """An index could offer anything under that name; a path and a hash cannot be taken over."""
    for lock in WANTED:
        assert "tfxkit" not in locked(lock)
    for described in (PROJECT, OF_LIBRARY):
        project = described["project"]
        lists = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
        lists += [described["build-system"]["requires"], *described["dependency-groups"].values()]
        assert not [each for requirements in lists for each in requirements if "tfxkit" in each]


def test_a_wheel_in_vendor_is_a_requirement_like_others() -> None:
    text = (
        "# The library.\nvendor/tfxkit-0.2.0-py3-none-any.whl \\\n    --hash=sha256:0\nuv==1.0 \\\n"
    )
    assert [is_file(requirement) for requirement in split(text)] == [True, False]


def test_patch_is_for_the_locked_versions() -> None:
    """A new version of either package has other files: `glibc.KNOWN` must learn them."""
    for name in glibc.DISTRIBUTIONS:
        assert [str(pin.specifier) for pin in locked(RUNTIME)[name]] == ["==1.21.0"]

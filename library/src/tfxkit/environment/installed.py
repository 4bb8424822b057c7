"""Compare the installed packages with the lock; runs inside the environment that it looks at.

`python -m tfxkit.environment.installed LOCK …` prints one difference a line, and exits with 1 if
there is any.
"""

from __future__ import annotations

import sys
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tfxkit.environment.installer import is_file, name_and_version, pin, split


def differences(locks: list[Path]) -> list[str]:
    """Packages that are missing or have another version than in the locks.

    Args:
        locks: Files with pinned, hashed requirements, as `make lock` writes them; paths in them are
            from the current folder.

    Returns:
        One short sentence for each package that differs, in the order of the locks.
    """
    found = []
    for lock in locks:
        for block in split(lock.read_text(encoding="utf-8")):
            if is_file(block):
                found += _differences_from_wheel(pin(block))
            else:
                found += _differences_from_pin(Requirement(pin(block)))
    return found


def _differences_from_pin(requirement: Requirement) -> list[str]:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return []
    version = _installed_version(requirement.name)
    if version is None:
        return [f"{requirement.name} is missing"]
    if not requirement.specifier.contains(version, prereleases=True):
        return [f"{requirement.name} is {version}, locked {requirement.specifier}"]
    return []


def _differences_from_wheel(wheel: str) -> list[str]:
    name, version = name_and_version(wheel)
    installed = _installed_version(name)
    if installed is None:
        return [f"{name} is missing"]
    if installed != version:
        return [f"{name} is {installed}, locked =={version}"]
    # A package of this name from elsewhere may have the same version, and other files.
    try:
        with zipfile.ZipFile(wheel) as archive:
            [record] = [n for n in archive.namelist() if n.endswith(".dist-info/RECORD")]
            files = archive.read(record).decode().splitlines()
    except (OSError, ValueError, zipfile.BadZipFile):
        return [f"{wheel} cannot be read"]
    held = (metadata.distribution(name).read_text("RECORD") or "").splitlines()
    if not {file for file in files if "sha256=" in file} <= set(held):
        return [f"{name} {version} is not that of {wheel}"]
    return []


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    lines = differences([Path(argument) for argument in sys.argv[1:]])
    print("\n".join(lines))
    sys.exit(bool(lines))

"""Compares the installed packages with the lock; runs inside the environment that it looks at.

`python -m tfxkit.environment.installed LOCK …` prints one difference a line, and exits with 1 if
there is any.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from tfxkit.environment.installer import split


def differences(locks: list[Path]) -> list[str]:
    """What is missing or of another version than the locks say.

    Args:
        locks: Files with pinned, hashed requirements, as `make lock` writes them.

    Returns:
        One short sentence for each package that differs, in the order of the locks.
    """
    found = []
    for lock in locks:
        for block in split(lock.read_text(encoding="utf-8")):
            requirement = Requirement(block.split("\\", 1)[0])
            if requirement.marker is not None and not requirement.marker.evaluate():
                continue
            version = _installed_version(requirement.name)
            if version is None:
                found.append(f"{requirement.name} is missing")
            elif not requirement.specifier.contains(version, prereleases=True):
                found.append(f"{requirement.name} is {version}, locked {requirement.specifier}")
    return found


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    lines = differences([Path(argument) for argument in sys.argv[1:]])
    print("\n".join(lines))
    sys.exit(bool(lines))

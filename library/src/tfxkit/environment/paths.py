"""The project's folder, its locks and its virtual environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def find_root() -> Path:
    """The project's folder: the nearest one with a lock, from the current folder upwards.

    If there is none, the folder of this Python's virtual environment; without a lock there, too,
    the current folder.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(sys.prefix).parent):
        if (folder / "requirements" / "runtime.txt").is_file():
            return folder
    return here


ROOT = find_root()
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"

REQUIREMENTS = ROOT / "requirements"
RUNTIME_LOCK = REQUIREMENTS / "runtime.txt"  # packages of a run, and of the image
INSTALLER_LOCK = REQUIREMENTS / "installer.txt"  # installs all others
# The library as a wheel in vendor/, with its hash. Missing in the library's own repository, whose
# environment reads the library's source.
LIBRARY_LOCK = REQUIREMENTS / "library.txt"
LIBRARY_SOURCE = ROOT / "library" / "src"

# Packages of some targets of make: installed by the first target that needs them, and kept.
GROUPS = {
    "test": REQUIREMENTS / "test.txt",
    "notebooks": REQUIREMENTS / "notebooks.txt",
    "library": ROOT / "library" / "requirements" / "dev.txt",
}


def locks(groups: tuple[str, ...] = ()) -> dict[str, Path]:
    """The locks of an environment with these groups, by their path in the project.

    Args:
        groups: Keys of `GROUPS`.
    """
    files = [RUNTIME_LOCK, INSTALLER_LOCK]
    if LIBRARY_LOCK.is_file():
        files.append(LIBRARY_LOCK)
    files += [lock for group, lock in GROUPS.items() if group in groups]
    return {file.relative_to(ROOT).as_posix(): file for file in files}


def site_packages(venv: Path) -> Path:
    """The folder of installed packages in a virtual environment of this Python."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return venv / "lib" / version / "site-packages"


def clean_environment() -> dict[str, str]:
    """The environment variables for a Python that imports only its own packages."""
    removed = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in removed}

"""Where the project, its lock and its virtual environment lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"

REQUIREMENTS = ROOT / "requirements"
RUNTIME_LOCK = REQUIREMENTS / "runtime.txt"  # what a run needs: also what the image installs
DEV_LOCK = REQUIREMENTS / "dev.txt"  # what tests and linting need besides
INSTALLER_LOCK = REQUIREMENTS / "installer.txt"  # what installs the other two
LOCKS = (RUNTIME_LOCK, DEV_LOCK, INSTALLER_LOCK)


def site_packages(venv: Path) -> Path:
    """The folder that a virtual environment made by this very Python installs into."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return venv / "lib" / version / "site-packages"


def clean_environment() -> dict[str, str]:
    """The environment variables for a Python that must see its own packages and no others."""
    strangers = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in strangers}

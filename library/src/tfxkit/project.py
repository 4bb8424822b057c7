"""The project that uses this library, found by its package `pipeline`."""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path

# Packages of a project, as its pyproject.toml lists them.
PACKAGES = ("components", "models", "pipeline")


@functools.cache
def project_root() -> Path:
    """Folder that holds the package `pipeline`: a checkout, or site-packages in an image.

    Imports nothing. Without such a package, as in a test of the library alone, it is the current
    folder.
    """
    spec = importlib.util.find_spec("pipeline")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        return Path(os.path.realpath(folder)).parent
    return Path.cwd()

"""Tells cookiecutter's hooks where the template is, and where cookiecutter was started.

Hooks are rendered while the template's folder is the current directory (cookiecutter 2.7.1,
hooks.py, `run_hook_from_repo_dir`; cruft goes the same way), so the directory of that moment is the
template, be it a path, a clone or an unpacked archive. `cookiecutter._repo_dir` will not do: it is
relative where the path was, and cruft has none. The extension itself is imported before any change
of the directory (`create_env_with_context` in generate.py).
"""

from __future__ import annotations

import os

from jinja2 import Environment
from jinja2.ext import Extension

_STARTED_IN = os.getcwd()


class RepositoryFolder(Extension):
    """Adds the functions `template_repository` and `started_in`."""

    def __init__(self, environment: Environment) -> None:
        """Registers it."""
        super().__init__(environment)
        environment.globals["template_repository"] = os.getcwd
        environment.globals["started_in"] = lambda: _STARTED_IN

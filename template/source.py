"""The files of the template: those that git tracks; of an unpacked archive, all but rubbish."""

from __future__ import annotations

import os
from pathlib import Path

from template import git
from template.errors import TemplateError

_ROOT_FILE = "cookiecutter.json"
_RUBBISH = {".git", ".venv", "venv", "__pycache__", "outputs", "build", "dist", ".env"}


def files(repository: Path) -> list[str]:
    """Paths from the repository's root, sorted; contents are those of the working tree.

    Raises:
        TemplateError: If this is a repository, but git does not say what is in it.
    """
    listed = git.output(repository, "ls-files", "-z", "--cached")
    found = [path for path in listed.split("\0") if path]
    if _ROOT_FILE not in found:  # no repository; or one around the unpacked archive
        if (repository / ".git").exists():
            raise TemplateError(
                f"git ls-files does not work in {repository}: no git, or somebody else's folder?"
            )
        found = _walk(repository)
    return sorted(path for path in set(found) if (repository / path).is_file())


def _walk(repository: Path) -> list[str]:
    found = []
    for folder, folders, names in os.walk(repository):
        folders[:] = [
            name
            for name in folders
            if name not in _RUBBISH and not name.endswith((".egg-info", "_cache"))
        ]
        here = Path(folder).relative_to(repository)
        found += [(here / name).as_posix() for name in names if name not in _RUBBISH]
    return found

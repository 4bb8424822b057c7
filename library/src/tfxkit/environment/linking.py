"""Link the project into its environment: its packages on the path, its commands in `.venv/bin`.

The project is not installed: an edited file counts at once.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tfxkit.environment import paths
from tfxkit.environment.errors import SetUpError

WRITTEN_BY = "# Written by the set-up of the project, from [project.scripts] of pyproject.toml."
# Finds Python beside itself, so that no path stands in it: one may have spaces, quotes and colons,
# or be longer than the first line of a script can be. To a shell the second line is a command, to
# Python a text.
SCRIPT = """\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
{written_by}
import sys

from {module} import {function}

if __name__ == "__main__":
    sys.exit({function}())
"""


def scripts() -> str:
    """The section `[project.scripts]` of pyproject.toml, as text; empty without one."""
    text = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = re.search(r"(?ms)^\[project\.scripts\][^\n]*$(.*?)(?=^\[|\Z)", text)
    return section[1].strip() if section else ""


def link() -> None:
    """Writes project.pth and the commands; removes commands that pyproject.toml names no more.

    Raises:
        SetUpError: If a value of [project.scripts] is not `module:function`.
    """
    folders = [paths.ROOT]
    if paths.LIBRARY_SOURCE.is_dir():
        folders.append(paths.LIBRARY_SOURCE)
    lines = b"".join(os.fsencode(folder) + b"\n" for folder in folders)
    (paths.site_packages(paths.VENV) / "project.pth").write_bytes(lines)
    bin_folder = paths.VENV_PYTHON.parent
    commands = _commands()
    for name, text in commands.items():
        new = bin_folder / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        new.chmod(0o755)
        os.replace(new, bin_folder / name)
    for path in bin_folder.iterdir():
        if path.name not in commands and _is_written_here(path):
            path.unlink()


def _commands() -> dict[str, str]:
    """The text of each command, by its name."""
    import tomllib  # not there before Python 3.11, which the checks refuse

    found = {}
    for name, target in tomllib.loads(scripts()).items():
        entry = re.fullmatch(r"([\w.]+):(\w+)", target)
        if entry is None:
            raise SetUpError(
                f'pyproject.toml, [project.scripts]: {name} = {target!r} is not "module:function".'
            )
        found[name] = SCRIPT.format(written_by=WRITTEN_BY, module=entry[1], function=entry[2])
    return found


def _is_written_here(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    with open(path, "rb") as file:
        return WRITTEN_BY.encode() in file.read(len(SCRIPT) + len(WRITTEN_BY))

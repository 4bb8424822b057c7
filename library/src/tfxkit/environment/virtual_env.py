"""The virtual environment `.venv`: its owner, its state, its creation and its link to the project.

A file in it, `set-up.json`, has owner and state. It is written first, empty, so that an unfinished
environment is known to be made by the set-up and may be deleted, and filled last, so that an
interrupted set-up is never taken for a finished one.

The project is not installed but linked: its packages are on the path of `.venv`, so an edited file
counts at once, and its commands are in `.venv/bin`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tfxkit.environment import SetUpError, installer, paths

_MARKER = paths.VENV / "set-up.json"
_WRITTEN_BY = "# Written by the set-up of the project, from [project.scripts] of pyproject.toml."
# Finds Python beside itself, so that it holds no path: a path may have spaces, quotes and colons,
# or be longer than the first line of a script can be. For a shell the second line is a command, for
# Python a text.
_SCRIPT = """\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
{written_by}
import sys

from {module} import {function}

if __name__ == "__main__":
    sys.exit({function}())
"""


def is_current(groups: Iterable[str] = ()) -> bool:
    """True if the environment is complete and matches the locks.

    Args:
        groups: Keys of `paths.GROUPS` that it has to hold, besides those that it holds already.
    """
    return paths.VENV_PYTHON.exists() and _mark() == _finished({*installed_groups(), *groups})


def installed_groups() -> tuple[str, ...]:
    """Groups of the project that the environment holds."""
    held = (_mark() or {}).get("locks", {})
    return tuple(
        group
        for group, lock in paths.GROUPS.items()
        if lock.relative_to(paths.ROOT).as_posix() in held and lock.is_file()
    )


def problem() -> str | None:
    """Reason why the environment is unusable for any Python; None if it is usable."""
    mark = _mark()
    if mark is None:
        return "was not made by this project's set-up"
    if not mark:
        return "is unfinished: its set-up was interrupted"
    if not paths.VENV_PYTHON.exists():
        return f"stands on a Python that is gone: {mark['base']}"
    if mark["path"] != str(paths.VENV):
        return f"was made for another place: {mark['path']}"
    if mark.get("locks") != digests(installed_groups()):
        return "is older than the locks in requirements/"
    return None


def held_locks() -> dict[str, str]:
    """The locks of an environment that can be kept, as `digests` returns them; else none."""
    return (_mark() or {}).get("locks", {}) if _can_be_kept() else {}


def prepare() -> None:
    """Creates the environment, unless it can be brought up to date as it is.

    One that was interrupted, was moved, or has another Python is deleted: an incomplete package
    cannot be distinguished from a complete one.

    Raises:
        SetUpError: If there is a `.venv` that the set-up did not create.
    """
    if _mark() is None and paths.VENV.exists() and any(paths.VENV.iterdir()):
        raise SetUpError(
            f"{paths.VENV} was not made by this project's set-up, which would have to replace it; "
            "move it away or delete it."
        )
    kept = _can_be_kept()
    paths.VENV.mkdir(exist_ok=True)
    _write({})
    if not kept:
        _empty()
        venv.EnvBuilder(symlinks=True, prompt=paths.ROOT.name).create(paths.VENV)
        pip = [str(paths.VENV_PYTHON), "-I", "-m", "ensurepip", "--default-pip"]
        installer.run_command(pip, paths.clean_environment(), quiet=True)


def link() -> None:
    """Writes project.pth and the commands; removes commands that pyproject.toml no longer names.

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


def finish(groups: Iterable[str]) -> None:
    """Marks the environment as finished, with these groups in it."""
    _write(_finished(groups))


def digests(groups: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each lock of an environment with these groups, by its path in the project."""
    locks = paths.locks(tuple(groups))
    return {name: hashlib.sha256(lock.read_bytes()).hexdigest() for name, lock in locks.items()}


def _can_be_kept() -> bool:
    """True for a finished environment of this Python, in this folder."""
    return (_mark() or {}).items() >= _foundation().items() and paths.VENV_PYTHON.exists()


def _foundation() -> dict[str, str]:
    """Base of an environment, which must be created again when the base changes."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"python": version, "base": os.path.realpath(sys.base_prefix), "path": str(paths.VENV)}


def _finished(groups: Iterable[str]) -> dict[str, Any]:
    return {**_foundation(), "locks": digests(groups), "scripts": _scripts()}


def _scripts() -> str:
    """The section `[project.scripts]` of pyproject.toml, as text; empty without one."""
    text = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = re.search(r"(?ms)^\[project\.scripts\][^\n]*$(.*?)(?=^\[|\Z)", text)
    return section[1].strip() if section else ""


def _commands() -> dict[str, str]:
    """The text of each command, by its name."""
    import tomllib  # new in Python 3.11; the checks refuse older ones

    texts = {}
    for name, target in tomllib.loads(_scripts()).items():
        entry = re.fullmatch(r"([\w.]+):(\w+)", target)
        if entry is None:
            raise SetUpError(
                f'pyproject.toml, [project.scripts]: {name} = {target!r} is not "module:function".'
            )
        texts[name] = _SCRIPT.format(written_by=_WRITTEN_BY, module=entry[1], function=entry[2])
    return texts


def _is_written_here(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    with open(path, "rb") as file:
        return _WRITTEN_BY.encode() in file.read(len(_SCRIPT) + len(_WRITTEN_BY))


def _mark() -> dict[str, Any] | None:
    """Mark of the environment; None if it has none."""
    try:
        return json.loads(_MARKER.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # the disk was full, or the power went
        return {}


def _write(mark: dict[str, Any]) -> None:
    temporary = _MARKER.with_suffix(".new")
    temporary.write_text(json.dumps(mark, indent=1), encoding="utf-8")
    os.replace(temporary, _MARKER)


def _empty() -> None:
    """Deletes everything but the mark; not the folder, which may be a link or a mounted disk."""
    for entry in paths.VENV.iterdir():
        if entry == _MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()

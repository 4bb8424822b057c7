"""The virtual environment `.venv`: whose it is, whether it is finished, and making it.

A file in it, `set-up.json`, says both. It is written first, empty, so that what was begun is known
to be ours and may be thrown away, and filled last, so that what was interrupted is never taken for
finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import venv
from collections.abc import Iterable
from typing import Any

from tfxkit.environment import installer, linking, paths
from tfxkit.environment.errors import SetUpError

MARKER = paths.VENV / "set-up.json"


def is_current(groups: Iterable[str] = ()) -> bool:
    """True if the environment is complete and matches the locks.

    Args:
        groups: Keys of `paths.GROUPS` that it has to hold, besides those that it held before.
    """
    return paths.VENV_PYTHON.exists() and _mark() == _finished({*installed_groups(), *groups})


def installed_groups() -> tuple[str, ...]:
    """The groups that the environment holds and that the project still has."""
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
    """The locks that an environment holds which can be kept, as `digests` has them; else none."""
    return (_mark() or {}).get("locks", {}) if _can_be_kept() else {}


def prepare() -> None:
    """Makes the environment, unless it can be brought up to date as it is.

    One that was interrupted, was moved, or has another Python is thrown away: a package that is
    half there cannot be told from a whole one.

    Raises:
        SetUpError: If there is a `.venv` that was not made here.
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


def finish(groups: Iterable[str]) -> None:
    """Marks the environment as finished, with these groups in it."""
    _write(_finished(groups))


def digests(groups: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of each lock of an environment with these groups, by its path in the project."""
    locks = paths.locks(tuple(groups))
    return {name: hashlib.sha256(lock.read_bytes()).hexdigest() for name, lock in locks.items()}


def _can_be_kept() -> bool:
    """True for an environment that is finished, on this Python and in this place."""
    return (_mark() or {}).items() >= _foundation().items() and paths.VENV_PYTHON.exists()


def _foundation() -> dict[str, str]:
    """Base of an environment: it must be created again when that changes."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"python": version, "base": os.path.realpath(sys.base_prefix), "path": str(paths.VENV)}


def _finished(groups: Iterable[str]) -> dict[str, Any]:
    return {**_foundation(), "locks": digests(groups), "scripts": linking.scripts()}


def _mark() -> dict[str, Any] | None:
    """Mark of the environment; None if it has none."""
    try:
        return json.loads(MARKER.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # the disk was full, or the power went
        return {}


def _write(mark: dict[str, Any]) -> None:
    temporary = MARKER.with_suffix(".new")
    temporary.write_text(json.dumps(mark, indent=1), encoding="utf-8")
    os.replace(temporary, MARKER)


def _empty() -> None:
    """Deletes all but the mark; not the folder, which may be a link, or a disk of its own."""
    for entry in paths.VENV.iterdir():
        if entry == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()

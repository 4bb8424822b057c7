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

from tfxkit.environment import commands, paths
from tfxkit.environment.errors import SetUpError

MARKER = paths.VENV / "set-up.json"


def is_current() -> bool:
    """Whether the environment is finished and holds what the lock says."""
    return paths.VENV_PYTHON.exists() and _mark() == _finished()


def problem() -> str | None:
    """What keeps the environment from being used, whichever Python asks; None if nothing does."""
    mark = _mark()
    if mark is None:
        return "was not made by this project's set-up"
    if not mark:
        return "is unfinished: its set-up was interrupted"
    if not paths.VENV_PYTHON.exists():
        return f"stands on a Python that is gone: {mark['base']}"
    if mark["path"] != str(paths.VENV):
        return f"was made for another place: {mark['path']}"
    if mark["lock"] != _lock_digest():
        return "is older than the lock in requirements/"
    return None


def prepare() -> None:
    """Makes the environment, or makes it anew where it cannot be brought up to date.

    One that was interrupted, was moved, or has another Python is thrown away: a package that is
    half there cannot be told from a whole one.

    Raises:
        SetUpError: If there is a `.venv` that was not made here.
    """
    mark = _mark()
    if mark is None and paths.VENV.exists() and any(paths.VENV.iterdir()):
        raise SetUpError(
            f"{paths.VENV} was not made by this project's set-up, which would have to replace it; "
            "move it away or delete it."
        )
    mine = (mark or {}).items() >= _foundation().items()
    paths.VENV.mkdir(exist_ok=True)
    _write({})
    if not (mine and paths.VENV_PYTHON.exists()):
        _empty()
        venv.EnvBuilder(symlinks=True, prompt=paths.ROOT.name).create(paths.VENV)
        pip = [str(paths.VENV_PYTHON), "-I", "-m", "ensurepip", "--default-pip"]
        commands.run(pip, paths.clean_environment(), quiet=True)


def finish() -> None:
    """Marks the environment as finished."""
    _write(_finished())


def _foundation() -> dict[str, str]:
    """What an environment stands on: it cannot be kept where that changes."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"python": version, "base": os.path.realpath(sys.base_prefix), "path": str(paths.VENV)}


def _finished() -> dict[str, str]:
    return {**_foundation(), "lock": _lock_digest()}


def _lock_digest() -> str:
    digest = hashlib.sha256()
    for lock in paths.LOCKS:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def _mark() -> dict[str, str] | None:
    """What the environment is marked with; None if it has no mark."""
    try:
        return json.loads(MARKER.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # the disk was full, or the power went
        return {}


def _write(mark: dict[str, str]) -> None:
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

"""Git commit of the project's code."""

from __future__ import annotations

import subprocess
from pathlib import Path

_TIMEOUT_S = 10


def commit_of(folder: Path) -> str | None:
    """The commit that a folder is at, with `+` behind it where tracked files differ from it.

    None where there is no git or no commit: what is not known must not keep a run from its end.
    """
    commit = _ask(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}+" if _ask(folder, "status", "--porcelain", "--untracked-files=no") else commit


def _ask(folder: Path, *question: str) -> str | None:
    git = ["git", "-C", str(folder), *question]
    try:
        answer = subprocess.run(git, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()

"""Files that equal git's last commit: nothing is lost when they are replaced."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def uncommitted(folder: Path, names: Sequence[str]) -> list[str]:
    """The files that hold something that no commit has.

    Args:
        folder: That holds them; need not be in a repository.
        names: Of files that are there.

    Returns:
        Those that were changed, staged or never committed; all of them without a repository, or
        without git.
    """
    if not names:
        return []
    listing = ["status", "--porcelain", "-z", "--ignored", "--untracked-files=all", "--no-renames"]
    command = ["git", "-C", str(folder), *listing, "--", *names]
    try:
        status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return list(names)
    # Paths start at the repository's root; the first three characters say what became of the file.
    departing = {Path(entry[3:]).name for entry in status.split("\0") if entry}
    # An ignored folder is listed itself, in place of its files.
    return [name for name in names if departing - set(names) or name in departing]

"""Output of git commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def output(folder: Path, *arguments: str) -> str:
    """Output of a git command; '' where it fails, there is no git, or no repository."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape")

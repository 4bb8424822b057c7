"""Commands that are given in one fresh process, and the heavy libraries that it then has loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_HEAVY = ("tensorflow", "tfx", "apache_beam")
_PROGRAM = f"""
import json, sys
from tfxkit import cli
codes = [cli.main(command) for command in json.loads(sys.argv[1])]
print(json.dumps([codes, [name for name in {_HEAVY} if name in sys.modules]]))
"""


def exit_codes_and_heavy_imports(
    commands: Sequence[Sequence[str]], folder: Path
) -> tuple[list[int], list[str], str]:
    """Runs commands one after the other.

    Args:
        commands: The arguments of each, after `python -m pipeline`.
        folder: Where they are given.

    Returns:
        The exit codes, the heavy libraries that were imported, and standard error.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(commands)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes, heavy = json.loads(done.stdout.splitlines()[-1])
    return codes, heavy, done.stderr

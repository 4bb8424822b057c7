"""Examines the machine and the installation: `python -m pipeline doctor`, with any Python.

One line for each thing looked at, and below it what to do where that is not as it should be. Needs
nothing installed. Exit code 1 if anything will keep the pipeline from running, else 0.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from tfxkit.environment import checks, glibc, paths, verify, virtual_env
from tfxkit.environment.checks import Finding
from tfxkit.environment.errors import SetUpError

__all__ = ["main"]

SET_UP = "run `make run`, which sets it up."
SHOWN = 5  # packages that differ from the lock


def main(argv: list[str]) -> int:
    """Prints all findings.

    Args:
        argv: Must be empty; the doctor has no options.

    Returns:
        The exit code.
    """
    if argv:
        print(f"usage: python -m pipeline doctor\n\n{__doc__}")
        return 0 if argv[0] in ("-h", "--help") else 2
    findings = checks.before_install()
    if len(findings) > 1:  # the platform is not refused
        findings += installation()
    for finding in findings:
        print(finding)
    return int(any(finding.level == "FAIL" for finding in findings))


def installation() -> list[Finding]:
    """Whether what is installed is what the lock says, and works.

    Looks into `.venv`; where there is none, into the environment that this Python belongs to, if
    TFX is there (an image, or somebody's own environment).
    """
    if paths.VENV.exists():
        problem = virtual_env.problem()
        if problem:
            return [Finding("FAIL", "environment", f"{paths.VENV} {problem}", SET_UP)]
        return _examine(paths.VENV_PYTHON, *paths.LOCKS)
    if importlib.util.find_spec("tfx"):
        return _examine(Path(sys.executable), paths.RUNTIME_LOCK)
    return [Finding("warn", "environment", "nothing is installed yet", SET_UP)]


def _examine(python: Path, *locks: Path) -> list[Finding]:
    return [_packages(python, locks), *(_works(check, python) for check in verify.CHECKS)]


def _packages(python: Path, locks: tuple[Path, ...]) -> Finding:
    command = [str(python), "-m", "tfxkit.environment.installed", *map(str, locks)]
    environment = paths.clean_environment()
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode == 0:
        return Finding("ok", "packages", f"as locked ({python})")
    lines = result.stdout.split("\n")[:-1] or result.stderr.strip().splitlines()[-1:]
    found = "; ".join(lines[:SHOWN]) + (f"; {len(lines) - SHOWN} more" if lines[SHOWN:] else "")
    return Finding("FAIL", "packages", found, f"delete {paths.VENV.name} and {SET_UP}")


def _works(check: str, python: Path) -> Finding:
    name = f"TFX {check}"
    try:
        verify.in_fresh_process(check, python)
    except SetUpError as error:
        return Finding("FAIL", name, str(error), f"delete {paths.VENV.name} and {SET_UP}")
    patched = ", patched for this glibc" if glibc.is_needed() else ""
    return Finding("ok", name, f"gives right results{patched}")

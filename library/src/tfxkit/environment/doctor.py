"""Examine the machine and the installation: `python -m pipeline doctor`, with any Python.

Prints a line for each check, and the remedy below a failed one. Needs no installed packages. Exit
code 1 if anything will keep the pipeline from running, else 0.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

from tfxkit.environment import SetUpError, checks, glibc, installer, paths, verify, virtual_env
from tfxkit.environment.checks import Finding

__all__ = ["main"]

SET_UP = "run `make run`, which sets it up."
FROM_GIT = "take both from git again: git checkout -- vendor requirements/library.txt"
_SHOWN = 5  # packages that differ from the lock


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
        findings += [*library(), *installation()]
    for finding in findings:
        print(finding)
    return int(any(finding.level == "FAIL" for finding in findings))


def library() -> list[Finding]:
    """Checks that vendor/ holds the wheel that requirements/library.txt names, and no other.

    The library's own repository and an image have no wheel to check.
    """
    if not paths.LIBRARY_LOCK.is_file():
        return []
    requirements = installer.split(paths.LIBRARY_LOCK.read_text("utf-8"))
    findings = [_wheel(each) for each in requirements]
    named = {installer.pin(each) for each in requirements}
    wheels = {f"vendor/{path.name}" for path in (paths.ROOT / "vendor").glob("*.whl")}
    others = sorted(wheels - named)
    if others:
        state = f"{', '.join(others)}: not in requirements/library.txt"
        findings.append(Finding("warn", "library", state, "nothing installs it: delete it."))
    return findings


def installation() -> list[Finding]:
    """Checks that the installed packages are those of the locks, and work.

    Checks `.venv`; without one, the environment of this Python, if it has TFX (an image, or an
    environment of the user's own).
    """
    if paths.VENV.exists():
        problem = virtual_env.problem()
        if problem:
            return [Finding("FAIL", "environment", f"{paths.VENV} {problem}", SET_UP)]
        groups = virtual_env.installed_groups()
        return _examine(paths.VENV_PYTHON, *paths.locks(groups).values())
    if importlib.util.find_spec("tfx"):
        locks = [lock for lock in (paths.RUNTIME_LOCK,) if lock.is_file()]
        return _examine(Path(sys.executable), *locks)
    return [Finding("warn", "environment", "nothing is installed yet", SET_UP)]


def _wheel(requirement: str) -> Finding:
    path = paths.ROOT / installer.pin(requirement)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip() is not None
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return Finding("FAIL", "library", f"{path} is missing", FROM_GIT)
    except (EOFError, OSError, zipfile.BadZipFile):
        damaged, digest = True, ""
    if damaged:
        return Finding("FAIL", "library", f"{path} is damaged", FROM_GIT)
    if f"--hash=sha256:{digest}" not in requirement:
        state = f"{path} has other bytes than requirements/library.txt says"
        return Finding("FAIL", "library", state, FROM_GIT)
    return Finding("ok", "library", path.name)


def _examine(python: Path, *locks: Path) -> list[Finding]:
    packages = [_packages(python, locks)] if locks else []
    return [*packages, *(_works(check, python) for check in verify.CHECKS)]


def _packages(python: Path, locks: tuple[Path, ...]) -> Finding:
    command = [str(python), "-m", "tfxkit.environment.verify", "packages", *map(str, locks)]
    environment = paths.clean_environment()
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=paths.ROOT, check=False
    )
    if result.returncode == 0:
        return Finding("ok", "packages", f"as locked ({python})")
    lines = result.stdout.split("\n")[:-1] or result.stderr.strip().splitlines()[-1:]
    state = "; ".join(lines[:_SHOWN]) + (f"; {len(lines) - _SHOWN} more" if lines[_SHOWN:] else "")
    return Finding("FAIL", "packages", state, f"delete {paths.VENV.name} and {SET_UP}")


def _works(check: str, python: Path) -> Finding:
    name = f"TFX {check}"
    try:
        verify.in_fresh_process(check, python)
    except SetUpError as error:
        return Finding("FAIL", name, str(error), f"delete {paths.VENV.name} and {SET_UP}")
    patched = ", patched for this glibc" if glibc.is_needed() else ""
    return Finding("ok", name, f"gives right results{patched}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Renews the lock: `make lock` makes the files in requirements/ from pyproject.toml.

One lock serves all supported Pythons, on Linux and on macOS: what differs has a marker. All files
are proved to be installable on each of these before they take their places.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tfxkit.environment import paths
from tfxkit.environment.platform_support import NEWEST_PYTHON, OLDEST_PYTHON

PLATFORMS = ("x86_64-manylinux_2_39", "aarch64-apple-darwin")
PYTHONS = [f"3.{minor}" for minor in range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1)]


def main() -> int:
    """Compiles, proves and replaces all locks.

    Returns:
        The exit code: that of uv if it finds no solution, having said why.
    """
    names = runtime, dev, installer = [lock.name for lock in paths.LOCKS]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(paths.ROOT / "pyproject.toml", folder)
        try:
            _compile(folder, runtime, "pyproject.toml")
            _compile(folder, dev, "--group=dev", f"--constraints={runtime}")
            _compile(folder, installer, "--group=installer")
            for python in PYTHONS:
                for platform in PLATFORMS:
                    _prove(folder, names, python, platform)
        except subprocess.CalledProcessError as error:
            print("The lock stays as it is.", file=sys.stderr)
            return error.returncode
        for lock in paths.LOCKS:
            lock.write_bytes(Path(folder, lock.name).read_bytes())
    print("requirements/ is new; the next `make` installs it.")
    return 0


def _compile(folder: str, lock: str, *sources: str) -> None:
    print(f"Resolving {lock}", flush=True)
    options = ["--universal", f"--python-version={PYTHONS[0]}", "--generate-hashes", "--quiet"]
    header = "--custom-compile-command=make lock"
    _uv(folder, "compile", *options, header, f"--output-file={lock}", *sources)


def _prove(folder: str, locks: list[str], python: str, platform: str) -> None:
    print(f"Trying Python {python} on {platform}", flush=True)
    machine = [f"--python-version={python}", f"--python-platform={platform}", "--target=target"]
    requirements = [f"--requirements={lock}" for lock in locks]
    _uv(folder, "install", "--dry-run", "--quiet", "--require-hashes", *machine, *requirements)


def _uv(folder: str, verb: str, *arguments: str) -> None:
    command = [str(paths.VENV / "bin" / "uv"), "pip", verb, *arguments]
    subprocess.run(command, cwd=folder, env=paths.clean_environment(), check=True)


if __name__ == "__main__":
    sys.exit(main())

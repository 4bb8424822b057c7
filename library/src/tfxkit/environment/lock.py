"""Renew the locks: `make lock` makes the files in requirements/ from pyproject.toml.

Locked versions stay while they fit; `--upgrade` takes the newest versions of all packages,
`--upgrade-package NAME` of one. One lock serves all supported Pythons, on Linux and on macOS, with
markers for differences. All locks are proved to be installable together on each of these platforms
before they are replaced.

Dependencies of the library are resolved from its wheel in vendor/ (in its own repository from its
source) with the extras that `[tool.tfxkit]` names, and never from an index, where anybody could
publish a package of its name. The library itself is not in these locks, but in
requirements/library.txt.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfxkit.environment import installer, paths
from tfxkit.environment.checks import NEWEST_PYTHON, OLDEST_PYTHON

DOCS = "library/requirements/docs.txt"  # installed into an environment of its own
PLATFORMS = ("x86_64-manylinux_2_39", "aarch64-apple-darwin")
PYTHONS = [f"3.{minor}" for minor in range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1)]


def main(options: Sequence[str]) -> int:
    """Compiles, proves and replaces all locks.

    Args:
        options: Of `uv pip compile`, such as `--upgrade`.

    Returns:
        The exit code: that of uv if it finds no solution and has printed the reason.
    """
    sources = _sources()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        library = _copy(folder, sources)
        try:
            for lock, source in sources.items():
                _compile(folder, lock, [*source, *options], library)
            for python in PYTHONS:
                for platform in PLATFORMS:
                    _prove(folder, [lock for lock in sources if lock != DOCS], python, platform)
        except subprocess.CalledProcessError as error:
            print("The locks stay as they are.", file=sys.stderr)
            return error.returncode
        for lock in sources:
            (paths.ROOT / lock).write_bytes((folder / lock).read_bytes())
    print("The locks are renewed; the next `make` installs what changed.")
    return 0


def _sources() -> dict[str, list[str]]:
    """Sources of each lock, in order: options and arguments of `uv pip compile`.

    The packages of a group have to fit those of a run, and those of the groups before it.
    """
    runtime = _name(paths.RUNTIME_LOCK)
    sources = {
        runtime: ["pyproject.toml", "-"],  # the library comes on standard input
        _name(paths.INSTALLER_LOCK): ["--group=installer"],
    }
    constraints = [f"--constraints={runtime}"]
    for group, lock in paths.GROUPS.items():
        if group != "library":
            sources[_name(lock)] = [f"--group={group}", *constraints]
            constraints.append(f"--constraints={_name(lock)}")
        elif paths.LIBRARY_SOURCE.is_dir():
            sources[_name(lock)] = ["--group=library/pyproject.toml:dev", *constraints]
            sources[DOCS] = ["--group=library/pyproject.toml:docs"]
    return sources


def _copy(folder: Path, locks: Iterable[str]) -> str:
    """Copies the files that uv reads, and returns the requirement of the library, a path."""
    import tomllib  # new in Python 3.11; older ones have to get as far as the refusal

    for lock in locks:
        (folder / lock).parent.mkdir(parents=True, exist_ok=True)
        if (paths.ROOT / lock).is_file():
            shutil.copy(paths.ROOT / lock, folder / lock)
    shutil.copy(paths.ROOT / "pyproject.toml", folder)
    if paths.LIBRARY_LOCK.is_file():
        [requirement] = installer.split(paths.LIBRARY_LOCK.read_text("utf-8"))
        library = installer.pin(requirement)
        (folder / library).parent.mkdir()
        shutil.copy(paths.ROOT / library, folder / library)
    else:
        library = "./library"
        ignored = shutil.ignore_patterns("__pycache__", "benchmarks", "docs", "tests")
        shutil.copytree(paths.ROOT / library, folder / library, ignore=ignored, dirs_exist_ok=True)
    pyproject = tomllib.loads((paths.ROOT / "pyproject.toml").read_text("utf-8"))
    extras = pyproject.get("tool", {}).get("tfxkit", {}).get("extras", [])
    return f"{library}[{','.join(extras)}]" if extras else library


def _compile(folder: Path, lock: str, arguments: Sequence[str], library: str) -> None:
    print(f"Resolving {lock}", flush=True)
    options = ["--universal", f"--python-version={PYTHONS[0]}", "--generate-hashes", "--quiet"]
    options += ["--custom-compile-command=make lock", "--no-emit-package=tfxkit"]
    _uv(folder, "compile", *options, f"--output-file={lock}", *arguments, text=library)


def _prove(folder: Path, locks: Sequence[str], python: str, platform: str) -> None:
    print(f"Trying Python {python} on {platform}", flush=True)
    machine = [f"--python-version={python}", f"--python-platform={platform}", "--target=target"]
    requirements = [f"--requirements={lock}" for lock in locks]
    _uv(folder, "install", "--dry-run", "--quiet", "--require-hashes", *machine, *requirements)


def _uv(folder: Path, action: str, *arguments: str, text: str = "") -> None:
    command = [str(paths.VENV / "bin" / "uv"), "pip", action, *arguments]
    environment = paths.clean_environment()
    subprocess.run(command, cwd=folder, env=environment, input=text.encode(), check=True)


def _name(lock: Path) -> str:
    return lock.relative_to(paths.ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

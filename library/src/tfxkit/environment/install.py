"""Set up `.venv`: `sh setup.sh -m tfxkit.environment.install [GROUP …]`, which `make` calls first.

Installs the packages of a run, of the named groups (test, notebooks, library) and of those that are
installed already. Does nothing if the environment matches the locks. Any number of calls may run at
once, and any of them may be killed at any time: the next one finishes the work.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence

from tfxkit.environment import (
    SetUpError,
    checks,
    glibc,
    installer,
    paths,
    verify,
    virtual_env,
)


def main(groups: Sequence[str]) -> int:
    """Sets up the environment if necessary.

    Args:
        groups: Keys of `paths.GROUPS`.

    Returns:
        The exit code: 0 if it is ready, 1 if the set-up failed, 2 for an unknown group.
    """
    problem = _refusal(groups)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    if virtual_env.is_current(groups):
        return 0
    if sys.prefix != sys.base_prefix:  # never rebuild an environment from inside
        environment = {**os.environ, "PYTHON": sys._base_executable}  # type: ignore[attr-defined]
        command = ["sh", str(paths.ROOT / "setup.sh"), "-m", "tfxkit.environment.install", *groups]
        os.execvpe(command[0], command, environment)  # noqa: S606 - no shell
    try:
        with _alone():
            if not virtual_env.is_current(groups):  # another call may have finished it
                _set_up({*virtual_env.installed_groups(), *groups})
    except SetUpError as error:
        print(f"\nNot set up. {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, most of all
        print(f"\nNot set up. {error}\n{installer.explain_failure(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nNot set up: interrupted. The next call starts again.", file=sys.stderr)
        return 130
    return 0


def _refusal(groups: Sequence[str]) -> str:
    """Problem of the project's folder or of the arguments; empty if there is none."""
    for lock in (paths.RUNTIME_LOCK, paths.INSTALLER_LOCK):
        if not lock.is_file():
            return f"{lock} is missing. Take it from git again: git checkout -- requirements"
    if not paths.LIBRARY_LOCK.is_file() and not paths.LIBRARY_SOURCE.is_dir():
        return (
            f"The library is missing in {paths.ROOT}: there is no requirements/library.txt, which "
            "names its wheel. Take both from git again: git checkout -- vendor requirements"
        )
    locked = ", ".join(group for group, lock in paths.GROUPS.items() if lock.is_file())
    for group in groups:
        if group not in paths.GROUPS:
            return f"There is no group {group!r} to install; there are: {locked}."
        if not paths.GROUPS[group].is_file():
            return f"The group {group!r} has no lock here: {paths.GROUPS[group]} is missing."
    return ""


def _set_up(groups: Collection[str]) -> None:
    bad = [finding for finding in checks.before_install() if finding.level == "FAIL"]
    if bad:
        raise SetUpError("\n".join(["This machine lacks something:", *map(str, bad)]))
    start = time.monotonic()
    held, wanted = virtual_env.held_locks(), virtual_env.digests(groups)
    changed = [lock for lock in wanted if held.get(lock) != wanted[lock]]
    if held:
        print(f"Bringing .venv up to date: {', '.join(changed) or 'commands'}", flush=True)
    else:
        python = platform.python_version()
        print(f"Setting up .venv with Python {python}: some minutes, once.", flush=True)
    virtual_env.prepare()
    locks = paths.locks(tuple(groups))
    if _only_adds(held, wanted, changed):
        installer.add([locks[lock] for lock in changed])
        virtual_env.link()
        _compile()
    else:
        installer.install_uv()
        installer.sync(locks.values())
        virtual_env.link()
        if glibc.is_needed():
            for module in glibc.MODULES:
                glibc.patch(paths.site_packages(paths.VENV) / module)
            print("  Patched ml-metadata and tensorflow-data-validation for this glibc")
        _compile()
        for check in verify.CHECKS:
            verify.in_fresh_process(check, paths.VENV_PYTHON)
    virtual_env.finish(groups)
    print(f"Set-up done in {time.monotonic() - start:.0f} s.", flush=True)


def _only_adds(held: Mapping[str, str], wanted: Mapping[str, str], changed: Sequence[str]) -> bool:
    """True if all installed packages stay: there are only new locks, or another library."""
    library = paths.LIBRARY_LOCK.relative_to(paths.ROOT).as_posix()
    stay = held.keys() <= wanted.keys()
    return bool(held) and stay and all(lock not in held or lock == library for lock in changed)


def _compile() -> None:
    command = [str(paths.VENV_PYTHON), "-m", "tfxkit.environment.bytecode"]
    installer.run_command(command, paths.clean_environment())


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Holds the lock on the set-up; waits for another call that has it."""
    import fcntl  # missing on Windows, which the checks refuse with a reason

    with open(paths.ROOT / "pyproject.toml", "r+b") as file:
        os.set_inheritable(file.fileno(), True)  # held until the last installer has ended
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this project is under way; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Sets up `.venv`: `python -m tfxkit.environment.install`, which `make` calls before all else.

Does nothing if the environment is what the lock says. Any number of calls may run at once, and any
of them may be killed at any time: the next one brings it to an end.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from collections.abc import Iterator

from tfxkit.environment import checks, commands, glibc, installer, paths, verify, virtual_env
from tfxkit.environment.errors import SetUpError


def main() -> int:
    """Sets up the environment if need be.

    Returns:
        The exit code: 0 if it is ready, 1 if it could not be made.
    """
    if virtual_env.is_current():
        return 0
    if sys.prefix != sys.base_prefix:  # never rebuild an environment from inside
        python = sys._base_executable  # type: ignore[attr-defined]
        os.execv(python, [python, "-m", "tfxkit.environment.install"])  # noqa: S606 - no shell
    try:
        with _alone():
            if not virtual_env.is_current():  # unless another call has made it in the meantime
                _set_up()
    except SetUpError as error:
        print(f"\nNot set up. {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, most of all
        print(f"\nNot set up. {error}\n{commands.explain(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nNot set up: interrupted. The next call starts again.", file=sys.stderr)
        return 130
    return 0


def _set_up() -> None:
    bad = [finding for finding in checks.before_install() if finding.level == "FAIL"]
    if bad:
        raise SetUpError("\n".join(["This machine lacks something:", *map(str, bad)]))
    python = platform.python_version()
    print(f"Setting up .venv with Python {python}: some minutes, once for each lock.", flush=True)
    start = time.monotonic()
    virtual_env.prepare()
    installer.install_uv()
    installer.install_lock()
    site_packages = paths.site_packages(paths.VENV)
    (site_packages / "project.pth").write_bytes(os.fsencode(paths.ROOT) + b"\n")
    if glibc.is_needed():
        for module in glibc.MODULES:
            glibc.patch(site_packages / module)
        print("  Patched ml-metadata and tensorflow-data-validation for this glibc")
    for check in verify.CHECKS:
        verify.in_fresh_process(check, paths.VENV_PYTHON)
    virtual_env.finish()
    print(f"Set-up done in {time.monotonic() - start:.0f} s.", flush=True)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Holds the lock on the set-up; waits for it if another call has it."""
    import fcntl  # not there on Windows, where the checks refuse with a reason

    with open(paths.ROOT / "pyproject.toml", "r+b") as file:
        os.set_inheritable(file.fileno(), True)  # held until the last installer has ended
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this project is under way; waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())

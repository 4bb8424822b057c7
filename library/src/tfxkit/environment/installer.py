"""Installs locks into `.venv`: uv with pip, everything else with uv.

`run_command` shows the progress of an installer; `explain_failure` words its failure. Where the
system's glibc is older than two of the wheels require, these two are installed by a call of their
own that makes uv assume a newer one. All others are chosen for the system as it is: cryptography,
for example, has wheels for several, and the newest would not load on an older system.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import typing
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tfxkit.environment import SetUpError, glibc, paths

_NEWER_GLIBC = "x86_64-manylinux_{}_{}".format(*glibc.WHEELS_NEED)
# Lines that are not shown: one for each package, and uv's own. Large downloads are shown, as they
# take the time.
_HIDDEN = re.compile(
    r"[-+~] |Downloaded |Built |Prepared |Using Python |Resolved |Downloading .*\((\d|\d\.\d)MiB\)"
)
_LINES_OF_A_FAILURE = 8
_RETRY = "Then run the same command again; what was downloaded is kept."
_EXPLANATIONS = {
    ("no space left", "os error 28", "quota exceeded"): (
        f"The disk is full. Make room here, in the temporary folder and in uv's cache. {_RETRY}"
    ),
    ("certificate", "unknownissuer"): (
        "The package index could not be trusted. Behind a proxy that signs its own certificates, "
        f"let SSL_CERT_FILE name a file with them. {_RETRY}"
    ),
    ("connect", "dns error", "timed out", "unreachable", "sending request", "versions: none"): (
        "The package index could not be reached. Check the network; HTTPS_PROXY names a proxy, and "
        f"PIP_INDEX_URL a mirror of the index. {_RETRY}"
    ),
    ("bad crc", "invalid package format", "invalid zip", "is not a zip file"): (
        "A wheel is damaged. If it is the library's, in vendor/, take it from git again "
        "(git checkout -- vendor requirements/library.txt; with Git LFS: git lfs pull). If it is "
        f"another package's, delete uv's cache. {_RETRY}"
    ),
    ("hash mismatch", "do not match the hashes"): (
        "A package is not the one that requirements/ was made with. Do not install it: either the "
        "download is damaged (run the same command again), or the index gives out something else. "
        "If it is the library's wheel in vendor/, that was changed after requirements/library.txt "
        "was written: git checkout -- vendor requirements/library.txt"
    ),
    ("failed to build",): (
        "A package has to be compiled here, and that failed. `make doctor` checks the compiler."
    ),
}


def install_uv() -> None:
    """Installs the locked uv, with the pip that every virtual environment has."""
    pip = [str(paths.VENV_PYTHON), "-I", "-m", "pip", "--disable-pip-version-check", "install"]
    options = ["--require-hashes", "--only-binary=:all:", "-r", str(paths.INSTALLER_LOCK)]
    run_command([*pip, *options], paths.clean_environment(), quiet=True)


def sync(locks: Iterable[Path]) -> None:
    """Installs the packages of these locks, and removes all others."""
    requirements = _requirements(locks)
    if not glibc.is_needed():
        _uv("sync", requirements)
        return
    _uv("sync", [each for each in requirements if name(each) not in glibc.DISTRIBUTIONS])
    too_new = [each for each in requirements if name(each) in glibc.DISTRIBUTIONS]
    _uv("install", too_new, "--no-deps", f"--python-platform={_NEWER_GLIBC}", "--requirements")


def add(locks: Iterable[Path]) -> None:
    """Installs the packages of these locks beside those of the environment.

    A wheel in vendor/ replaces one with the same version.
    """
    requirements = _requirements(locks)
    again = [f"--reinstall-package={name(each)}" for each in requirements if is_file(each)]
    _uv("install", requirements, "--no-deps", *again, "--requirements")


def split(lock: str) -> list[str]:
    """The requirements in the text of a lock, each with its marker, hashes and comments."""
    return re.split(r"(?m)^(?=[A-Za-z0-9])", lock)[1:]


def is_file(requirement: str) -> bool:
    """True for a wheel in the project's folder, False for a package of an index."""
    return pin(requirement).endswith(".whl")


def pin(requirement: str) -> str:
    """A requirement of a lock without hashes and comments: `name==version ; marker`, or a path."""
    return requirement.split("\\", 1)[0].strip()


def name(requirement: str) -> str:
    """Name of the package of a requirement."""
    if is_file(requirement):
        return name_and_version(pin(requirement))[0]
    return requirement.split("==", 1)[0]


def name_and_version(wheel: str) -> tuple[str, str]:
    """Name and version of a package, from the file name of its wheel."""
    name, version = Path(wheel).name.split("-")[:2]
    return name.replace("_", "-"), version


def run_command(
    command: Sequence[str], environment: Mapping[str, str], text: str = "", quiet: bool = False
) -> None:
    """Runs one command in the project's folder and shows its progress, a line at a time.

    Inheritable files of this process stay open in the command: so the lock on the set-up outlives
    this process as long as an installer is still at work.

    Args:
        command: Program and arguments.
        environment: All of its environment variables.
        text: Its standard input.
        quiet: Shows nothing unless the command fails.

    Raises:
        SetUpError: If it fails; with advice for known failures, else its last lines.
    """
    process = subprocess.Popen(
        command,
        cwd=paths.ROOT,  # paths in locks are relative to it
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        close_fds=False,
    )
    last: deque[str] = deque(maxlen=_LINES_OF_A_FAILURE)
    # By Popen's type, a pipe could be None.
    stdin, stdout = typing.cast("typing.IO[str]", process.stdin), process.stdout or ()
    with process:
        with contextlib.suppress(BrokenPipeError):  # it failed before it had read everything
            stdin.write(text)
            stdin.close()
        for line in map(str.strip, stdout):
            last.append(line)
            if line and not quiet and not _HIDDEN.match(line):
                print(f"  {line}", flush=True)
    if process.returncode:
        output = "\n".join(last)
        raise SetUpError(explain_failure(output) or f"`{command[0]}` failed:\n{output}")


def explain_failure(output: str) -> str:
    """Advice for a failure, from the output of the failed command; empty if unknown."""
    for signs, explanation in _EXPLANATIONS.items():
        if any(sign in output.lower() for sign in signs):
            return explanation
    return ""


def _requirements(locks: Iterable[Path]) -> list[str]:
    return [each for lock in locks for each in split(lock.read_text("utf-8"))]


def _uv(action: str, requirements: list[str], *options: str) -> None:
    always = [f"--python={paths.VENV_PYTHON}", "--require-hashes"]
    # Packages that are built from source are built with locked packages as well.
    always.append(f"--build-constraints={paths.RUNTIME_LOCK}")
    uv = str(paths.VENV / "bin" / "uv")
    # Like pip, trust the system's certificates, and use the mirror that pip is configured with.
    environment = {"UV_SYSTEM_CERTS": "1", **_mirror(), **paths.clean_environment()}
    run_command([uv, "pip", action, *always, *options, "-"], environment, "".join(requirements))


def _mirror() -> dict[str, str]:
    pip = [str(paths.VENV_PYTHON), "-I", "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(pip, capture_output=True, text=True, check=False)
    url = os.environ.get("PIP_INDEX_URL") or configured.stdout.strip()
    return {"UV_DEFAULT_INDEX": url} if url else {}

"""Requirements on a machine before anything can be installed, one finding each.

They are those of TFX 1.21: its wheels exist for some platforms and Pythons. The refusal of another
one names an alternative. `python -m tfxkit.environment.checks` exits with 0 if this Python meets
the requirements, and prints nothing.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple

from tfxkit.environment import paths

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
OLDEST_GLIBC = (2, 34)  # required by the patched modules, see `glibc`

GIB = 2**30
DISK_NEEDED = 5 * GIB  # downloads and environment, which share files where they can
DISK_TO_RUN = GIB // 2
MEMORY_NEEDED = 3 * GIB  # a run of the sample data takes 1.6 GiB, a larger model more


class Machine(NamedTuple):
    """Properties of a machine that decide on the wheels for it.

    Attributes:
        system: `platform.system()`: "Linux", "Darwin", "Windows".
        cpu: `platform.machine()`: "x86_64", "aarch64", "arm64", "AMD64".
        python: Major and minor version.
        implementation: `platform.python_implementation()`.
        free_threaded: True for a Python built without the GIL.
        glibc: Its version; None without glibc (macOS, or Linux with musl).
    """

    system: str
    cpu: str
    python: tuple[int, int]
    implementation: str
    free_threaded: bool
    glibc: tuple[int, int] | None


class Finding(NamedTuple):
    """Result of one check.

    Attributes:
        level: "ok", "warn" (a run may fail) or "FAIL" (it will).
        name: The subject of the check.
        found: The state of the machine.
        remedy: The action to take; empty if ok.
    """

    level: str
    name: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line, and a second one with the remedy."""
        line = f"{self.level:4}  {self.name}: {self.found}"
        return f"{line}\n      {self.remedy}" if self.remedy else line


def before_install() -> list[Finding]:
    """Runs all checks that need no installed package.

    Where the platform is refused, that is the only finding.
    """
    findings = python_findings()
    if findings[0].level != "FAIL":
        findings += [compiler(), make(), disk(), memory()]
    return findings


def python_findings() -> list[Finding]:
    """Checks that this Python supports the project: version, machine, venv, headers."""
    machine = this_machine()
    version = platform.python_version()
    refused = refusal(machine)
    if refused:
        return [Finding("FAIL", "platform", f"Python {version}, {_platform(machine)}", refused)]
    return [
        Finding("ok", "platform", _platform(machine)),
        Finding("ok", "Python", f"{version} ({sys.base_prefix})"),
        _venv(),
        _headers(),
    ]


def compiler() -> Finding:
    """Checks that the C++ compiler that setuptools would use compiles and finds its library."""
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "try.cc")
        source.write_text("#include <string>\nstd::string s;\n", encoding="ascii")
        try:
            subprocess.run(
                [*command, "-c", source.name], cwd=folder, check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError):
            remedy = _install(apt="g++", dnf="gcc-c++", mac="xcode-select --install")
            return Finding("FAIL", "C++ compiler", f"`{command[0]}` compiles no C++", remedy)
    return Finding("ok", "C++ compiler", command[0])


def make() -> Finding:
    """Checks that make is installed; everything but the Makefile works without."""
    if shutil.which("make"):
        return Finding("ok", "make", "found")
    remedy = _install(apt="make", dnf="make", mac="xcode-select --install")
    return Finding("warn", "make", "not found", remedy)


def disk() -> Finding:
    """Checks that the environment fits on the project's disk."""
    free = shutil.disk_usage(paths.VENV if paths.VENV.exists() else paths.ROOT).free
    needed = DISK_TO_RUN if any(paths.VENV.glob("lib/*/site-packages/tfx")) else DISK_NEEDED
    state = f"{free / GIB:.1f} GiB free"
    if free < needed:
        return Finding("FAIL", "disk", state, f"make room: {needed / GIB:.1f} GiB are needed.")
    return Finding("ok", "disk", state)


def memory() -> Finding:
    """Checks that a run fits into the memory of this machine, or of this container."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and limit.read_text().strip().isdigit():
        size = min(size, int(limit.read_text()))
    state = f"{size / GIB:.1f} GiB"
    if size < MEMORY_NEEDED:
        remedy = f"runs may be killed; give it {MEMORY_NEEDED // GIB} GiB or more."
        return Finding("warn", "memory", state, remedy)
    return Finding("ok", "memory", state)


def this_machine() -> Machine:
    """Properties of this machine and this Python."""
    return Machine(
        system=platform.system(),
        cpu=platform.machine() if sys.maxsize > 2**32 else "32-bit " + platform.machine(),
        python=(sys.version_info[0], sys.version_info[1]),
        implementation=platform.python_implementation(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        glibc=_glibc(),
    )


def refusal(machine: Machine) -> str | None:
    """Reason why this project cannot be installed here, and an alternative; None if it can be."""
    return _refused_system(machine) or _refused_python(machine)


def _venv() -> Finding:
    if os.pathsep in str(paths.VENV):  # such a folder cannot be on the PATH either
        state = f"Python makes no virtual environment in a folder with {os.pathsep!r} in its path"
        return Finding("FAIL", "venv", state, f"move or rename {paths.ROOT}.")
    # Debian ships venv without ensurepip, which it needs, unless python3-venv is installed.
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return Finding("ok", "venv", "found")
    remedy = _install(apt=f"{_versioned()}-venv", dnf=_versioned(), mac="brew install python@3.12")
    return Finding("FAIL", "venv", "this Python cannot make virtual environments", remedy)


def _headers() -> Finding:
    header = Path(sysconfig.get_path("include"), "Python.h")
    if header.is_file():
        return Finding("ok", "Python headers", str(header.parent))
    remedy = _install(
        apt=f"{_versioned()}-dev", dnf=f"{_versioned()}-devel", mac="brew install python@3.12"
    )
    return Finding("FAIL", "Python headers", f"{header} is missing", remedy)


def _platform(machine: Machine) -> str:
    libc = f", glibc {machine.glibc[0]}.{machine.glibc[1]}" if machine.glibc else ""
    return f"{machine.system} {machine.cpu}{libc}"


def _versioned() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _install(apt: str, dnf: str, mac: str) -> str:
    if platform.system() == "Darwin":
        return f"run `{mac}`."
    return f"run `sudo apt install {apt}` (Debian, Ubuntu) or `sudo dnf install {dnf}` (Fedora)."


def _refused_system(machine: Machine) -> str | None:
    if machine.system == "Linux":
        return _refused_linux(machine)
    if machine.system == "Darwin" and machine.cpu == "arm64":
        return None
    if machine.system == "Darwin":
        return (
            "TensorFlow has no wheels for Macs with Intel processors (or for an Intel Python on "
            "Apple silicon): use an arm64 Python on Apple silicon, or a Linux x86-64 machine."
        )
    if machine.system == "Windows":
        return (
            "TFX has no wheels for Windows: use Ubuntu 24.04 in WSL 2, or a Linux x86-64 container."
        )
    return f"TFX has no wheels for {machine.system}: use Linux x86-64 or macOS on Apple silicon."


def _refused_linux(machine: Machine) -> str | None:
    if machine.cpu != "x86_64":
        return (
            f"TFX has no wheels for Linux on {machine.cpu}: use a Linux x86-64 machine, or a "
            "container started with `--platform linux/amd64`."
        )
    if machine.glibc is None:
        return (
            "This Linux has no glibc (Alpine and others have musl), which TensorFlow's wheels need:"
            " use Debian 12, Ubuntu 22.04 or newer, also as a container."
        )
    if machine.glibc < OLDEST_GLIBC:
        return (
            f"glibc {_dotted(machine.glibc)} is too old, TFX needs {_dotted(OLDEST_GLIBC)}: use "
            "Debian 12, Ubuntu 22.04, Red Hat 9 or newer, also as a container."
        )
    return None


def _refused_python(machine: Machine) -> str | None:
    supported = f"Python {_dotted(OLDEST_PYTHON)} to {_dotted(NEWEST_PYTHON)}"
    choose = f"install one of {supported} and choose it with `PYTHON=python3.12 make …`."
    if machine.implementation != "CPython":
        return f"TFX has no wheels for {machine.implementation}: {choose}"
    if machine.python < OLDEST_PYTHON:
        return f"Python {_dotted(machine.python)} is too old: {choose}"
    if machine.python > NEWEST_PYTHON:
        return f"TFX 1.21 has no wheels for Python {_dotted(machine.python)} yet: {choose}"
    if machine.free_threaded:
        return f"TFX has no wheels for the free-threaded build of Python: {choose}"
    return None


def _glibc() -> tuple[int, int] | None:
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (AttributeError, OSError, ValueError):  # not a POSIX system, or another C library
        return None
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) if name == "glibc" else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(any(finding.level == "FAIL" for finding in python_findings()))

"""Requirements on a machine before anything can be installed, one finding each.

`python -m tfxkit.environment.checks` exits with 0 where this very Python will do; it prints
nothing.
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

from tfxkit.environment import paths, platform_support

GIB = 2**30
DISK_NEEDED = 5 * GIB  # downloads and environment; they share their files where they can
DISK_TO_RUN = GIB // 2
MEMORY_NEEDED = 3 * GIB  # a run of the sample data takes 1.6 GiB, a model of one's own more


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        level: "ok", "warn" (it may do) or "FAIL" (it will not).
        name: What was looked at.
        found: What is there.
        remedy: What to do about it; empty if ok.
    """

    level: str
    name: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        """One line, and a second one with what to do."""
        line = f"{self.level:4}  {self.name}: {self.found}"
        return f"{line}\n      {self.remedy}" if self.remedy else line


def before_install() -> list[Finding]:
    """Everything that can be known before the first package is installed.

    Where the platform is refused, that is the only finding: the rest does not matter there.
    """
    findings = python_findings()
    if findings[0].level != "FAIL":
        findings += [compiler(), make(), disk(), memory()]
    return findings


def python_findings() -> list[Finding]:
    """Checks that this Python supports the project: version, machine, venv, headers."""
    machine = platform_support.this_machine()
    version = platform.python_version()
    refused = platform_support.refusal(machine)
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
    found = f"{free / GIB:.1f} GiB free"
    if free < needed:
        return Finding("FAIL", "disk", found, f"make room: {needed / GIB:.1f} GiB are needed.")
    return Finding("ok", "disk", found)


def memory() -> Finding:
    """Checks that a run fits into the memory of this machine, or of this container."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and limit.read_text().strip().isdigit():
        size = min(size, int(limit.read_text()))
    found = f"{size / GIB:.1f} GiB"
    if size < MEMORY_NEEDED:
        remedy = f"runs may be killed; give it {MEMORY_NEEDED // GIB} GiB or more."
        return Finding("warn", "memory", found, remedy)
    return Finding("ok", "memory", found)


def _venv() -> Finding:
    if os.pathsep in str(paths.VENV):  # nor could such a folder be on the PATH
        found = f"Python makes no virtual environment in a folder with {os.pathsep!r} in its path"
        return Finding("FAIL", "venv", found, f"move or rename {paths.ROOT}.")
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


def _platform(machine: platform_support.Machine) -> str:
    libc = f", glibc {machine.glibc[0]}.{machine.glibc[1]}" if machine.glibc else ""
    return f"{machine.system} {machine.cpu}{libc}"


def _versioned() -> str:
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


def _install(apt: str, dnf: str, mac: str) -> str:
    if platform.system() == "Darwin":
        return f"run `{mac}`."
    return f"run `sudo apt install {apt}` (Debian, Ubuntu) or `sudo dnf install {dnf}` (Fedora)."


if __name__ == "__main__":
    sys.exit(any(finding.level == "FAIL" for finding in python_findings()))

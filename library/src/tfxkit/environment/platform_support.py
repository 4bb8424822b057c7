"""Machines and Pythons that TFX 1.21 supports, and alternatives to the others."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from typing import NamedTuple

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
OLDEST_GLIBC = (2, 34)  # what the patched modules need, see `glibc`


class Machine(NamedTuple):
    """Properties of a machine that decide on the wheels for it.

    Attributes:
        system: As `platform.system()` has it: "Linux", "Darwin", "Windows".
        cpu: As `platform.machine()` has it: "x86_64", "aarch64", "arm64", "AMD64".
        python: Major and minor version.
        implementation: As `platform.python_implementation()` has it.
        free_threaded: Whether this is a Python built without the GIL.
        glibc: Its version; None where there is none (macOS, or Linux with musl).
    """

    system: str
    cpu: str
    python: tuple[int, int]
    implementation: str
    free_threaded: bool
    glibc: tuple[int, int] | None


def this_machine() -> Machine:
    """The machine and the Python that this runs on."""
    return Machine(
        system=platform.system(),
        cpu=platform.machine() if sys.maxsize > 2**32 else "32-bit " + platform.machine(),
        python=(sys.version_info[0], sys.version_info[1]),
        implementation=platform.python_implementation(),
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        glibc=_glibc(),
    )


def refusal(machine: Machine) -> str | None:
    """Why this project cannot be installed here, and what to use instead; None if it can be."""
    return _refused_system(machine) or _refused_python(machine)


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

"""The patch for older systems, on a library made for this test and on the installed modules."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tfxkit.environment import SetUpError, glibc
from tfxkit.environment.checks import OLDEST_GLIBC

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ELF and glibc are Linux's")

LOAD_AND_CALL = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).answer())"


def compile_library(output: Path, source: str, *options: str) -> None:
    command = ["gcc", "-shared", "-fPIC", "-xc", "-", "-o", output, *options]
    subprocess.run(command, input=source, text=True, check=True)


def call_answer(module: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOAD_AND_CALL, module]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module linked with a new system library, on a system that has the old one.

    It imports `__new_count` in version SYSTEM_2.0; the old library has `count` in SYSTEM_1.0 only.
    """
    system, module = tmp_path / "libsystem.so", tmp_path / "module.so"
    versions = tmp_path / "versions"
    versions.write_text("SYSTEM_1.0 { count; }; SYSTEM_2.0 { __new_count; };")
    script = f"-Wl,--version-script={versions}"
    compile_library(system, "int count() { return 7; } int __new_count() { return 7; }", script)
    code = "int __new_count(); int answer() { return __new_count(); }"
    compile_library(module, code, f"-L{tmp_path}", "-lsystem", f"-Wl,-rpath,{tmp_path}")
    versions.write_text("SYSTEM_1.0 { count; };")
    compile_library(system, "int count() { return 7; }", script)
    return module


@pytest.fixture
def known(module: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with the patch knowing what to do about it."""
    monkeypatch.setattr(glibc, "RENAMED", {"__new_count": "count"})
    monkeypatch.setattr(glibc, "OPTIONAL", ("SYSTEM_2.0",))
    original = module.read_bytes()
    before, after = (hashlib.sha256(d).hexdigest() for d in (original, glibc.patched(original)))
    monkeypatch.setattr(glibc, "KNOWN", {before: after})
    return module


def test_a_module_for_a_newer_system_loads_and_works(known: Path) -> None:
    before = call_answer(known)
    assert before.returncode != 0
    assert "SYSTEM_2.0' not found" in before.stderr
    assert glibc.patch(known)
    after = call_answer(known)
    assert (after.stdout.strip(), after.stderr) == ("7", "")


def test_patches_once_and_never_through_a_hard_link(known: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cached.so"
    os.link(known, cached)
    original = known.read_bytes()
    assert glibc.patch(known)
    assert cached.read_bytes() == original
    assert known.stat().st_mode == cached.stat().st_mode
    patched = known.stat()
    assert not glibc.patch(known)
    untouched = known.stat()
    # Reading it may move st_atime, so not the whole of stat().
    assert (untouched.st_ino, untouched.st_mtime_ns) == (patched.st_ino, patched.st_mtime_ns)


def test_refuses_what_it_does_not_know(module: Path) -> None:
    original = module.read_bytes()
    with pytest.raises(SetUpError, match=r"module\.so is none of the files"):
        glibc.patch(module)
    assert module.read_bytes() == original


def test_a_name_that_does_not_fit_is_refused(module: Path) -> None:
    library = glibc.SharedLibrary(module.read_bytes())
    with pytest.raises(ValueError, match="no room"):
        library.rename_import("__new_count", "a_name_that_is_too_long")


def test_what_is_no_library_is_refused() -> None:
    with pytest.raises(ValueError, match="not a 64-bit"):
        glibc.SharedLibrary(b"#!/bin/sh\n" + bytes(64))


@pytest.mark.parametrize("name", glibc.MODULES)
def test_installed_modules_need_no_more_than_the_oldest_system_has(name: str) -> None:
    data = Path(sysconfig.get_path("purelib"), name).read_bytes()
    assert glibc.state(data) != "unknown"
    library = glibc.SharedLibrary(glibc.patched(data))
    needed = [v.name for v in library.required_versions() if not v.weak]
    versions = [
        m.groups() for m in (re.fullmatch(r"GLIBC_2\.(\d+)(\..*)?", v) for v in needed) if m
    ]
    assert versions
    assert max(int(minor) for minor, _ in versions) <= OLDEST_GLIBC[1]
    # GCC 11, which the systems with this glibc have or exceed.
    assert not {"GLIBCXX_3.4.30", "GLIBCXX_3.4.31", "CXXABI_1.3.14"} & set(needed)

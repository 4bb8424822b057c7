"""Before anything is installed: a machine is refused with an alternative, or lacks a package."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.pipeline.environment.small_project import PYTHON, Project
from tests.sample_project import LIBRARY, ROOT
from tfxkit.environment import SetUpError, checks, doctor, verify
from tfxkit.environment.checks import NEWEST_PYTHON, OLDEST_PYTHON, Machine, refusal

FOLDER = Path(checks.__file__).parent
BEFORE_INSTALL = sorted(FOLDER.glob("*.py"))
GOOD = Machine("Linux", "x86_64", (3, 12), "CPython", free_threaded=False, glibc=(2, 36))


@pytest.mark.parametrize(
    "machine",
    [
        GOOD,
        GOOD._replace(python=(3, 11), glibc=(2, 34)),
        GOOD._replace(python=(3, 13), glibc=(2, 41)),
        GOOD._replace(system="Darwin", cpu="arm64", glibc=None),
    ],
)
def test_a_machine_is_accepted(machine: Machine) -> None:
    assert refusal(machine) is None


@pytest.mark.parametrize(
    ("machine", "why", "instead"),
    [
        (GOOD._replace(cpu="aarch64"), "Linux on aarch64", "linux/amd64"),
        (GOOD._replace(cpu="32-bit x86_64"), "32-bit", "x86-64"),
        (GOOD._replace(glibc=None), "musl", "Debian 12"),
        (GOOD._replace(glibc=(2, 31)), "2.31 is too old", "Debian 12"),
        (GOOD._replace(system="Windows", cpu="AMD64", glibc=None), "Windows", "WSL 2"),
        (GOOD._replace(system="Darwin", glibc=None), "Intel", "arm64 Python"),
        (GOOD._replace(system="FreeBSD", glibc=None), "FreeBSD", "Linux x86-64"),
        (GOOD._replace(python=(3, 10)), "3.10 is too old", "3.11 to 3.13"),
        (GOOD._replace(python=(3, 14)), "3.14 yet", "3.11 to 3.13"),
        (GOOD._replace(implementation="PyPy"), "PyPy", "3.11 to 3.13"),
        (GOOD._replace(free_threaded=True), "free-threaded", "3.11 to 3.13"),
    ],
)
def test_a_machine_is_refused_with_an_alternative(machine: Machine, why: str, instead: str) -> None:
    sentence = refusal(machine)
    assert sentence is not None
    assert why in sentence
    assert instead in sentence


def test_package_metadata_names_the_same_pythons() -> None:
    oldest, newest = OLDEST_PYTHON, NEWEST_PYTHON
    for folder in (ROOT, LIBRARY):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"


def test_this_machine_will_do() -> None:
    findings = checks.before_install()
    assert [f for f in findings if f.level == "FAIL"] == []
    assert {"platform", "Python headers", "C++ compiler", "disk"} <= {f.name for f in findings}


def test_names_the_folder_that_has_no_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks.paths, "VENV", tmp_path / "a:b" / ".venv")
    [finding] = [f for f in checks.python_findings() if f.name == "venv"]
    assert finding.level == "FAIL"
    assert "':' in its path" in finding.found


@pytest.mark.parametrize("compiler", ["/nowhere/gcc", "false"])
def test_names_the_compiler_to_install(monkeypatch: pytest.MonkeyPatch, compiler: str) -> None:
    monkeypatch.setenv("CC", compiler)
    finding = checks.compiler()
    assert finding.level == "FAIL"
    assert "g++" in finding.remedy or "xcode-select" in finding.remedy


def test_where_the_platform_is_refused_nothing_else_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checks.platform, "system", lambda: "Windows")
    monkeypatch.delattr(checks.os, "sysconf")  # is not there on Windows
    assert doctor.main([]) == 1
    [finding, remedy] = capsys.readouterr().out.splitlines()
    assert finding.startswith("FAIL  platform: ")
    assert "WSL 2" in remedy


def test_a_module_that_does_not_work_is_told_in_its_own_words() -> None:
    with pytest.raises(SetUpError, match=r"(?s)TFX nothing does not work here:.*KeyError"):
        verify.in_fresh_process("nothing", Path(sys.executable))


def test_names_the_headers_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.sysconfig, "get_path", lambda _: "/nowhere")
    monkeypatch.setattr(checks.platform, "system", lambda: "Linux")
    [finding] = [f for f in checks.python_findings() if f.name == "Python headers"]
    assert finding.level == "FAIL"
    assert f"python3.{sys.version_info[1]}-dev` " in finding.remedy


def test_names_the_venv_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    without = lambda name: None if name == "ensurepip" else find_spec(name)  # noqa: E731
    monkeypatch.setattr(checks.importlib.util, "find_spec", without)
    monkeypatch.setattr(checks.platform, "system", lambda: "Linux")
    [finding] = [f for f in checks.python_findings() if f.name == "venv"]
    assert finding.level == "FAIL"
    assert f"python3.{sys.version_info[1]}-venv` " in finding.remedy


def test_a_full_disk_and_a_small_memory_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "DISK_NEEDED", 2**60)
    monkeypatch.setattr(checks, "DISK_TO_RUN", 2**60)
    monkeypatch.setattr(checks, "MEMORY_NEEDED", 2**60)
    assert (checks.disk().level, checks.memory().level) == ("FAIL", "warn")


def test_doctor_works_before_anything_is_installed(project: Project) -> None:
    command = [PYTHON, "-m", "pipeline", "doctor"]
    result = subprocess.run(
        command,
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok    platform: ")
    assert "warn  environment: nothing is installed yet" in lines
    assert result.returncode == any(line.startswith("FAIL") for line in lines)
    assert result.stderr == ""


@pytest.mark.parametrize("source", BEFORE_INSTALL, ids=lambda path: path.name)
def test_an_old_python_gets_as_far_as_the_refusal(source: Path) -> None:
    """Nothing but the standard library, and no syntax newer than Python 3.8's."""
    tree = ast.parse(source.read_text(), feature_version=(3, 8))
    known = {*sys.stdlib_module_names, "tfxkit"}
    for node in tree.body:
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= known
        elif isinstance(node, ast.ImportFrom):
            assert node.module and node.module.split(".")[0] in known

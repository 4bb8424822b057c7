"""What a machine lacks is said before anything is installed, with the package to install."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.environment.small_project import PYTHON, Project
from tfxkit.environment import checks, doctor, verify
from tfxkit.environment.errors import SetUpError

FOLDER = Path(checks.__file__).parent
BEFORE_INSTALL = [p for p in FOLDER.glob("*.py") if p.name not in ("installed.py", "upgrade.py")]


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

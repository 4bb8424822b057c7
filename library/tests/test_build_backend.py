"""The library's wheel: the same bytes wherever it is built, from the files that belong to it."""

from __future__ import annotations

import email
import os
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.metadata import Metadata

import tfxkit
from tests.sample_project import LIBRARY

NEEDED = ("CHANGELOG.md", "LICENSE", "README.md", "build_backend.py", "pyproject.toml")
BUILD = "import build_backend, sys; print(build_backend.build_wheel(sys.argv[1]))"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A copy of what is needed to build the wheel."""
    copy = tmp_path / "library"
    shutil.copytree(LIBRARY / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(LIBRARY / "docs", copy / "docs")
    for name in NEEDED:
        shutil.copy(LIBRARY / name, copy)
    return copy


def build(library: Path, **options: Any) -> bytes:
    """The bytes of the wheel."""
    folder = library.parent / "wheels"
    folder.mkdir(exist_ok=True)
    backend = runpy.run_path(str(library / "build_backend.py"))
    return (folder / backend["build_wheel"](folder, **options)).read_bytes()


def names(library: Path) -> list[str]:
    [wheel] = (library.parent / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def find_python(version: str) -> str | None:
    """A Python of this version, from the PATH or from pyenv, without packages of its own."""
    folders = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for python in (shutil.which(f"python{version}"), *folders.glob(f"{version}.*/bin/python")):
        command = [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            continue
        if result.stdout.strip() == version:
            return str(python)
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_python_builds_the_same_bytes(version: str, library: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} is not here")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([python, "-c", BUILD, out], env={"PYTHONPATH": str(library)}, check=True)
    [wheel] = out.iterdir()
    assert wheel.read_bytes() == build(library)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_umask_changes_neither_the_wheel_nor_its_mode(umask: int, library: Path) -> None:
    expected = build(library)
    for path in library.rglob("*"):
        os.utime(path, (umask + 1, umask + 1))
        path.chmod(0o777 & ~umask if path.is_dir() else 0o666 & ~umask)
    before = os.umask(umask)
    try:
        assert build(library) == expected
    finally:
        os.umask(before)
    [wheel] = (library.parent / "wheels").iterdir()
    assert wheel.stat().st_mode & 0o777 == 0o644


def test_what_lies_about_is_left_out(library: Path) -> None:
    expected = build(library)
    package = library / "src" / "tfxkit"
    subprocess.run([sys.executable, "-m", "compileall", "-q", package], check=True)
    checkpoints = package / ".ipynb_checkpoints"
    checkpoints.mkdir()
    files = (".#cli.py", "cli.py~", "x.so", ".ipynb_checkpoints/a.py", "../../docs/.#serving.md")
    for path in (package / file for file in files):
        path.write_text("x = 1\n")
    assert build(library) == expected


def test_only_the_named_files_are_taken(library: Path) -> None:
    expected = build(library)
    tracked = [path.relative_to(library) for path in library.rglob("*") if path.is_file()]
    (library / "src" / "tfxkit" / "scratch.py").write_text("x = 1\n")
    assert build(library, files=tracked) == expected
    assert build(library) != expected
    assert "tfxkit/scratch.py" in names(library)
    build(library, files=[library / "src" / "tfxkit" / "__init__.py", "pyproject.toml"])
    assert [name for name in names(library) if ".dist-info/" not in name] == ["tfxkit/__init__.py"]


def test_holds_every_module_and_what_they_read(library: Path) -> None:
    build(library)
    sources = {path.relative_to(library / "src").as_posix() for path in library.rglob("src/**/*.*")}
    packed = {name for name in names(library) if ".dist-info/" not in name}
    assert {name for name in packed if not name.startswith("tfxkit/docs/")} == sources
    assert "tfxkit/py.typed" in packed


def test_holds_each_page_except_those_of_the_site(library: Path) -> None:
    build(library)
    [wheel] = (library.parent / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name.removeprefix("tfxkit/docs/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("tfxkit/docs/")
        }
    docs = LIBRARY / "docs"
    pages = {path.relative_to(docs).as_posix(): path.read_bytes() for path in docs.rglob("*.md")}
    assert packed.items() <= pages.items()
    filled = {page for page in pages.keys() - packed.keys() if page.startswith("reference/")}
    assert filled == {page for page, text in pages.items() if b"\n::: " in text}
    assert pages.keys() - packed.keys() - filled == {"changelog.md"}


def test_metadata_is_that_of_pyproject(library: Path) -> None:
    build(library)
    [wheel] = (library.parent / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        [info] = {name.split("/")[0] for name in names(library) if ".dist-info/" in name}
        text = archive.read(f"{info}/METADATA")
        assert archive.read(f"{info}/CHANGELOG.md") == (LIBRARY / "CHANGELOG.md").read_bytes()
        assert archive.read(f"{info}/licenses/LICENSE") == (LIBRARY / "LICENSE").read_bytes()
    metadata = Metadata.from_email(text, validate=True)
    project = tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]
    assert metadata.name == "tfxkit"
    assert str(metadata.version) == project["version"] == tfxkit.__version__
    assert metadata.license_expression == project["license"]
    assert set(metadata.provides_extra or ()) == set(project["optional-dependencies"])
    assert email.message_from_bytes(text).get_payload().startswith("# tfxkit")
    base = [r for r in metadata.requires_dist or () if r.marker is None]
    assert len(base) == len(project["dependencies"])
    for extra, wanted in project["optional-dependencies"].items():
        found = {
            r.name
            for r in metadata.requires_dist or ()
            if r.marker is not None and r.marker.evaluate({"extra": extra})
        }
        assert len(found) == len(wanted)


def test_a_dependency_of_an_extra_keeps_its_marker(library: Path) -> None:
    pyproject = library / "pyproject.toml"
    wanted = "vertex = [\"kfp==2.16.1; python_version < '3.12' or sys_platform == 'darwin'\"]"
    pyproject.write_text(pyproject.read_text().replace('vertex = ["kfp==2.16.1"]', wanted))
    build(library)
    [wheel] = (library.parent / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in names(library) if name.endswith("/METADATA")]
        metadata = Metadata.from_email(archive.read(name), validate=True)
    [marker] = [
        r.marker
        for r in metadata.requires_dist or ()
        if r.marker is not None and "python_version" in str(r.marker)
    ]
    on = {"python_version": "3.11", "sys_platform": "linux"}
    assert marker.evaluate({**on, "extra": "vertex"})
    assert not marker.evaluate({**on, "extra": "serving"})
    assert not marker.evaluate({**on, "python_version": "3.13", "extra": "vertex"})


def test_other_line_ends_would_be_another_wheel(library: Path) -> None:
    path = library / "src" / "tfxkit" / "errors.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(ValueError, match=r"tfxkit/errors\.py has Windows line ends"):
        build(library)
    tracked = subprocess.run(
        ["git", "check-attr", "eol", "--", "src/tfxkit/errors.py", "CHANGELOG.md"],
        cwd=LIBRARY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert tracked.count("eol: lf") == 2


def test_there_is_no_source_distribution_and_no_editable_installation(library: Path) -> None:
    backend = runpy.run_path(str(library / "build_backend.py"))
    with pytest.raises(SystemExit, match="only a wheel"):
        backend["build_sdist"]("anywhere")
    assert "build_editable" not in backend


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_is_installed_from_its_folder_without_network(
    tool: str, library: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    given = ["install", "--no-deps", "--target", str(target), "./library"]
    command = [sys.executable, "-m", "pip", *given] if tool == "pip" else ["uv", "pip", *given]
    if tool == "uv":
        command[:1] = [str(Path(sys.executable).with_name("uv"))]
        command += ["--offline", "--python", sys.executable]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PIP_NO_INDEX": "1",
    }
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (target / "tfxkit" / "py.typed").is_file()
    [info] = target.glob("tfxkit-*.dist-info")
    assert {"METADATA", "RECORD", "CHANGELOG.md"} <= set(os.listdir(info))

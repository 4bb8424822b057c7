"""A generated project has the library as a wheel in vendor/, which one file names with its hash."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.environment.small_project import PYTHON, Project

pytestmark = pytest.mark.slow


def change_library(project: Project) -> None:
    """Gives the library, in the same version, something that it did not have."""
    with open(project.library / "src" / "tfxkit" / "__init__.py", "a") as file:
        file.write('NEW = "yes"\n')


def run(project: Project, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs a command from outside the project's folder."""
    folder, environment = project.root.parent, project.environment()
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_installs_the_wheel_and_follows_a_new_one(project: Project) -> None:
    project.vendor()
    code, output = project.make()
    assert code == 0, output
    place = run(project, project.python, "-c", "import tfxkit; print(tfxkit.__file__)").stdout
    assert "site-packages" in place and str(project.venv) in place
    code, output = project.make("doctor")
    assert code == 0, output
    assert "ok    library: tfxkit-" in output

    change_library(project)
    project.vendor()
    code, output = project.make("doctor")
    assert code != 0 and "older than the lock" in output
    code, output = project.make()
    assert code == 0, output
    assert "Bringing .venv up to date: requirements/library.txt" in output
    assert run(project, project.python, "-c", "import tfxkit; print(tfxkit.NEW)").stdout == "yes\n"
    assert project.make() == (0, "")


def test_finds_a_library_of_the_same_version_from_elsewhere(project: Project) -> None:
    project.vendor()
    assert project.make()[0] == 0
    change_library(project)
    wheel = project.vendor()
    stranger = shutil.move(wheel, project.wheels / wheel.name)
    (project.library / "src" / "tfxkit" / "__init__.py").write_text('__version__ = "0.2.0"\n')
    project.vendor()
    assert project.make()[0] == 0
    uv = project.venv / "bin" / "uv"
    replace = ("pip", "install", "--no-deps", "--reinstall", f"--python={project.python}", stranger)
    assert run(project, uv, *replace).returncode == 0
    code, output = project.make("doctor")
    assert code != 0
    assert "is not that of vendor/tfxkit-" in output


def remove(wheel: Path) -> None:
    wheel.unlink()


def truncate(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:1000])


def leave_a_pointer(wheel: Path) -> None:
    wheel.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def flip_a_byte(wheel: Path) -> None:
    content = bytearray(wheel.read_bytes())
    content[content.index(b"def ") + 1] ^= 1
    wheel.write_bytes(content)


def rebuild(wheel: Path) -> None:
    """Another valid wheel."""
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.comment = b"changed"


DAMAGES = pytest.mark.parametrize(
    ("damage", "before_install", "by_doctor"),
    [
        (remove, "names a wheel that is missing", "names a wheel that is missing"),
        (truncate, "is damaged", "is damaged"),
        (leave_a_pointer, "is damaged", "is damaged"),
        (flip_a_byte, "damaged|not the one", "is damaged"),
        (rebuild, "not the one that requirements/ was made with", "has other bytes than"),
    ],
)


@DAMAGES
def test_a_damaged_wheel_is_named_and_nothing_is_installed(
    project: Project, damage: Callable[[Path], None], before_install: str, by_doctor: str
) -> None:
    damage(project.vendor())
    code, output = project.make()
    assert code != 0
    assert any(text in output for text in before_install.split("|")), output
    assert "git checkout -- vendor requirements/library.txt" in output
    assert "Traceback" not in output
    assert not list(project.venv.glob("lib/*/site-packages/tfxkit"))


def test_doctor_examines_vendor(project: Project) -> None:
    wheel = project.vendor()
    assert project.make()[0] == 0
    good = wheel.read_bytes()
    for damage, _, found in DAMAGES.args[1]:
        damage(wheel)
        code, output = project.make("doctor", PYTHON="")
        assert code != 0
        assert found in output, output
        wheel.write_bytes(good)
    wheel.with_name("tfxkit-0.1.9-py3-none-any.whl").write_bytes(good)
    code, output = project.make("doctor", PYTHON="")
    assert code == 0, output
    assert "tfxkit-0.1.9-py3-none-any.whl: not in requirements/library.txt" in output


def test_a_folder_without_the_library_gets_one_sentence(project: Project) -> None:
    shutil.rmtree(project.library)
    code, output = project.make()
    assert code != 0
    assert "The library is missing" in output
    assert "Traceback" not in output and "FAIL" not in output
    command = [PYTHON, "-m", "pipeline", "doctor"]
    result = subprocess.run(command, cwd=project.root, env=project.environment(), check=False)
    assert result.returncode == 1

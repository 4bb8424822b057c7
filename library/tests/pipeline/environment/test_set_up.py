"""`make` sets up everything it needs, once, whatever happens to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.environment.small_project import Project, make_wheel

pytestmark = pytest.mark.slow


def said_by(project: Project, statement: str) -> str:
    """Output of the environment's Python, outside of the project's folder."""
    command = [project.python, "-c", statement]
    folder, environment = project.root.parent, project.environment()
    result = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return result.stdout


def packages(project: Project) -> set[str]:
    """Installed packages, except those of every environment in these tests."""
    names = "{d.metadata['Name'] for d in importlib.metadata.distributions()}"
    installed = said_by(project, f"import importlib.metadata; print(*{names})").split()
    native = {"ml-metadata", "tensorflow-data-validation"}
    normal = {name.replace("_", "-") for name in installed}
    return normal - native - {"pip", "setuptools", "uv"}


def version_of_tiny(project: Project) -> str:
    return said_by(project, "import tiny; print(tiny.VERSION)").strip()


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.005)


def test_sets_up_once_and_again_when_the_lock_changes(project: Project) -> None:
    two = [project.start(), project.start()]
    outputs = [process.communicate(timeout=300)[0] for process in two]
    assert [process.returncode for process in two] == [0, 0], outputs
    assert "".join(outputs).count("Setting up") == 1
    assert version_of_tiny(project) == "1"
    assert str(project.root) in said_by(project, "import pipeline; print(pipeline.__file__)")
    assert list(project.venv.rglob("__pycache__/tiny.*.pyc")), "not compiled to bytecode"
    assert "modules to bytecode" in "".join(outputs)
    if project.native:
        assert list(project.venv.rglob("metadata_store_extension.so"))

    before = {path: path.stat().st_mtime_ns for path in project.venv.rglob("*")}
    assert project.make() == (0, "")
    assert before == {path: path.stat().st_mtime_ns for path in project.venv.rglob("*")}

    newer = make_wheel(project.wheels, "tiny", "2.0", "py3-none-any", {"tiny.py": b"VERSION = 2\n"})
    runtime = project.root / "requirements" / "runtime.txt"
    project.lock("runtime", runtime.read_text().replace(project.tiny, newer))
    code, output = project.make("doctor")
    assert code != 0 and "older than the lock" in output
    code, output = project.make()
    assert code == 0, output
    assert version_of_tiny(project) == "2"

    code, output = project.make("doctor")
    assert code == 0, output
    shutil.rmtree(next(project.venv.rglob("tiny-2.0.dist-info")))
    code, output = project.make("doctor")
    assert code != 0 and "tiny is missing" in output


def test_a_group_is_added_and_stays(project: Project) -> None:
    assert project.make()[0] == 0
    assert packages(project) == {"tiny", "packaging"}
    tiny = next(project.venv.glob("lib/*/site-packages/tiny.py"))
    before = tiny.stat()

    code, output = project.make("setup", "WITH=test")
    assert code == 0, output
    assert "Bringing .venv up to date: requirements/test.txt" in output
    assert packages(project) == {"tiny", "packaging", "for-test"}
    assert (tiny.stat().st_ino, tiny.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert project.make("setup", "WITH=test") == (0, "")
    assert project.make() == (0, "")

    code, output = project.make("setup", "WITH=notebooks")
    assert code == 0, output
    assert packages(project) == {"tiny", "packaging", "for-test", "for-notebooks"}

    project.lock("runtime", project.tiny + project.native)  # a lock that is renewed
    code, output = project.make()
    assert code == 0, output
    assert packages(project) == {"tiny", "for-test", "for-notebooks"}

    (project.root / "requirements" / "notebooks.txt").unlink()
    code, output = project.make()
    assert code == 0, output
    assert packages(project) == {"tiny", "for-test"}


def test_refuses_a_group_that_it_has_no_lock_for(project: Project) -> None:
    code, output = project.make("setup", "WITH=tests")
    assert code != 0
    assert "no group 'tests' to install; there are: test, notebooks." in output
    code, output = project.make("setup", "WITH=library")
    assert code != 0
    assert "library/requirements/dev.txt is missing" in output
    assert not project.venv.exists()


@pytest.mark.parametrize("moment", ["pyvenv.cfg", "lib/*/site-packages/tiny.py"])
def test_recovers_from_a_kill(project: Project, moment: str) -> None:
    process = project.start()
    deadline = time.monotonic() + 60
    while not list(project.venv.glob(moment)):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert json.loads((project.venv / "set-up.json").read_text()) == {}

    code, output = project.make()
    assert code == 0, output
    assert version_of_tiny(project) == "1"


def test_waits_for_installers_that_outlived_their_make(project: Project) -> None:
    """A killed make leaves its installer at work; nobody else may touch the environment yet."""
    slow = project.environment_package / "installer.py"
    source = slow.read_text()
    begun, seen = project.root / "begun", project.root / "seen"
    wait = ["sh", "-c", ': >"$0"; until [ -e "$1" ]; do sleep 0.1; done', str(begun), str(seen)]
    slow.write_text(
        source.replace("run_command([uv,", f"run_command({wait!r}, {{}}); run_command([uv,")
    )
    process = project.start()
    wait_for(begun)
    slow.write_text(source)
    pid = subprocess.run(
        ["pgrep", "-s", str(process.pid), "-f", "environment.install"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[0]
    os.kill(int(pid), signal.SIGKILL)
    second = project.start()
    assert second.stdout is not None
    told = iter(second.stdout.readline, "")
    assert any("waiting" in line for line in told), "it did not wait"
    seen.touch()
    output, _ = second.communicate(timeout=300)
    process.communicate()
    assert second.returncode == 0, output


def test_makes_anew_what_was_moved_or_has_lost_its_python(project: Project) -> None:
    assert project.make()[0] == 0
    project.root = project.root.rename(project.root.with_name("moved"))
    project.venv, project.python = project.root / ".venv", project.root / ".venv/bin/python"
    for name in ("python", "python3"):
        (project.venv / "bin" / name).unlink()
    project.python.symlink_to("/nowhere/python")
    code, output = project.make()
    assert code == 0, output
    assert "moved" in said_by(project, "import pipeline; print(pipeline.__file__)")
    assert version_of_tiny(project) == "1"


def test_leaves_alone_what_it_has_not_made(project: Project) -> None:
    project.venv.mkdir()
    (project.venv / "mine").write_text("dear to me")
    code, output = project.make()
    assert code != 0
    assert "was not made by this project" in output
    assert os.listdir(project.venv) == ["mine"]


def test_tells_a_lack_of_network_in_one_screen(project: Project) -> None:
    offline = {
        "PIP_NO_INDEX": "",
        "UV_NO_INDEX": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
    }
    code, output = project.make(**offline)
    assert code != 0
    assert "could not be reached" in output and "PIP_INDEX_URL" in output
    assert "Traceback" not in output and len(output.splitlines()) < 20


def test_refuses_a_package_that_is_not_the_locked_one(project: Project) -> None:
    make_wheel(project.wheels, "tiny", "1.0", "py3-none-any", {"tiny.py": b"VERSION = 'other'\n"})
    code, output = project.make()
    assert code != 0
    assert "not the one that requirements/ was made with" in output
    assert not list(project.venv.rglob("tiny.py"))


def test_refuses_a_python_that_cannot_be_run(project: Project) -> None:
    code, output = project.make(PYTHON="/nowhere/python")
    assert code != 0
    assert "choose a Python 3.11, 3.12 or 3.13" in output
    assert not project.venv.exists()


def test_refuses_a_folder_that_cannot_hold_an_environment(tmp_path: Path) -> None:
    root = tmp_path / "a:b c"
    root.mkdir()
    code, output = Project(root, tmp_path / "wheels").make()
    assert code != 0
    assert "no virtual environment in a folder with ':' in its path" in output
    assert "Traceback" not in output
    assert not (root / ".venv").exists()

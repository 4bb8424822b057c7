"""`make` sets up everything it needs, once, whatever happens to it."""

from __future__ import annotations

import json
import os
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
    deadline = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.005)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One project goes through the tests that have it, in their order: each set-up takes its time.

    It begins with nothing set up, in a folder with a difficult name.
    """
    folder = tmp_path_factory.mktemp("shared")
    root = folder / "größe mit 'Zeichen'"
    root.mkdir()
    return Project(root, folder / "wheels")


@pytest.fixture
def ready(shared: Project) -> Project:
    """The shared project, set up."""
    code, output = shared.make()
    assert code == 0, output
    return shared


@pytest.mark.parametrize("moment", ["pyvenv.cfg", "lib/*/site-packages/tiny.py"])
def test_a_set_up_that_is_killed_is_known_to_be_unfinished(shared: Project, moment: str) -> None:
    process = shared.start()
    deadline = time.monotonic() + 300
    while not list(shared.venv.glob(moment)):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert json.loads((shared.venv / "set-up.json").read_text()) == {}


def test_waits_for_installers_that_outlived_their_make(shared: Project) -> None:
    """A killed make leaves its installer at work; nobody else may touch the environment yet."""
    slow = shared.environment_package / "installer.py"
    source = slow.read_text()
    begun, seen = shared.root / "begun", shared.root / "seen"
    wait = ["sh", "-c", ': >"$0"; until [ -e "$1" ]; do sleep 0.1; done', str(begun), str(seen)]
    slow.write_text(
        source.replace("run_command([uv,", f"run_command({wait!r}, {{}}); run_command([uv,")
    )
    process = shared.start()
    wait_for(begun)
    slow.write_text(source)
    pid = subprocess.run(
        ["pgrep", "-s", str(process.pid), "-f", "environment.install"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[0]
    os.kill(int(pid), signal.SIGKILL)
    second = shared.start()
    assert second.stdout is not None
    told = iter(second.stdout.readline, "")
    assert any("waiting" in line for line in told), "it did not wait"
    seen.touch()
    output, _ = second.communicate(timeout=300)
    process.communicate()
    assert second.returncode == 0, output
    assert version_of_tiny(shared) == "1"
    assert packages(shared) == {"tiny", "packaging"}
    assert str(shared.root) in said_by(shared, "import pipeline; print(pipeline.__file__)")
    assert "modules to bytecode" in output
    assert list(shared.venv.rglob("__pycache__/tiny.*.pyc")), "not compiled to bytecode"
    if shared.native:
        assert list(shared.venv.rglob("metadata_store_extension.so"))


def test_does_nothing_where_all_is_set_up(ready: Project) -> None:
    before = {path: path.stat().st_mtime_ns for path in ready.venv.rglob("*")}
    assert ready.make() == (0, "")
    assert before == {path: path.stat().st_mtime_ns for path in ready.venv.rglob("*")}


def test_doctor_notices_a_package_that_is_gone(ready: Project) -> None:
    code, output = ready.make("doctor")
    assert code == 0, output
    [info] = ready.venv.rglob("tiny-*.dist-info")
    away = info.rename(ready.wheels / info.name)
    code, output = ready.make("doctor")
    away.rename(info)
    assert code != 0 and "tiny is missing" in output


def test_a_group_is_added_and_stays(ready: Project) -> None:
    before = packages(ready)
    tiny = next(ready.venv.glob("lib/*/site-packages/tiny.py"))
    stat = tiny.stat()

    code, output = ready.make("setup", "WITH=test")
    assert code == 0, output
    assert "Bringing .venv up to date: requirements/test.txt" in output
    assert packages(ready) == before | {"for-test"}
    assert (tiny.stat().st_ino, tiny.stat().st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    assert ready.make("setup", "WITH=test") == (0, "")
    assert ready.make() == (0, "")

    code, output = ready.make("setup", "WITH=notebooks")
    assert code == 0, output
    assert packages(ready) == before | {"for-test", "for-notebooks"}


def test_follows_a_lock_that_has_changed(ready: Project) -> None:
    """With two groups in it (see above), of which one is no longer the project's."""
    newer = make_wheel(ready.wheels, "tiny", "2.0", "py3-none-any", {"tiny.py": b"VERSION = 2\n"})
    ready.lock("runtime", newer + ready.native)
    code, output = ready.make("doctor")
    assert code != 0 and "older than the lock" in output
    groups = packages(ready) & {"for-test", "for-notebooks"}
    code, output = ready.make()
    assert code == 0, output
    assert version_of_tiny(ready) == "2"
    assert packages(ready) == {"tiny"} | groups

    (ready.root / "requirements" / "notebooks.txt").unlink()
    code, output = ready.make()
    assert code == 0, output
    assert packages(ready) == {"tiny"} | groups - {"for-notebooks"}


def test_makes_anew_what_was_moved_and_has_lost_its_python_and_of_two_calls_one_does_so(
    ready: Project,
) -> None:
    ready.root = ready.root.rename(ready.root.with_name("moved"))
    ready.venv, ready.python = ready.root / ".venv", ready.root / ".venv/bin/python"
    for name in ("python", "python3"):
        (ready.venv / "bin" / name).unlink()
    ready.python.symlink_to("/nowhere/python")
    two = [ready.start(), ready.start()]
    outputs = [process.communicate(timeout=300)[0] for process in two]
    assert [process.returncode for process in two] == [0, 0], outputs
    assert "".join(outputs).count("Setting up") == 1
    assert "moved" in said_by(ready, "import pipeline; print(pipeline.__file__)")
    assert "tiny" in packages(ready)


def test_refuses_a_group_that_it_has_no_lock_for(project: Project) -> None:
    code, output = project.make("setup", "WITH=tests")
    assert code != 0
    assert "no group 'tests' to install; there are: test, notebooks." in output
    code, output = project.make("setup", "WITH=library")
    assert code != 0
    assert "library/requirements/dev.txt is missing" in output
    assert not project.venv.exists()


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

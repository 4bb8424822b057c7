"""`eject`: a component of the library becomes the project's own."""

from __future__ import annotations

import ast
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.preloaded import Forked, preloaded
from tests.project_with_runs import NAME, make_project
from tests.sample_project import CONFIGS, LIBRARY, ROOT
from tfxkit import cli, project
from tfxkit.ejection import eject, palette, rewrite, source_files
from tfxkit.runs import summary
from tfxkit.runs.summary import State, Status

OF_THE_LIBRARY = {component.name: component.package for component in palette(ROOT)}
EJECTABLE = sorted(name for name, package in OF_THE_LIBRARY.items() if package)


def copy_project(target: Path) -> Path:
    """The modules of the project and its settings of tools, without data and configuration."""
    for package in ("components", "models", "pipeline"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, target / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    folder = copy_project(tmp_path / "a b")
    monkeypatch.setattr(project, "project_root", lambda: folder)
    return folder


def sources(root: Path) -> dict[str, bytes]:
    """All files; none but the components is hidden or half-written."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def environment(root: Path) -> dict[str, str]:
    path = os.pathsep.join((str(root), str(LIBRARY / "src")))
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}


def python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment(root),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_palette_offers_six_components():
    assert [
        *("Baseline", "DataGate", "Evaluator", "ServingCheck", "SpanExampleGen", "VersionPusher")
    ] == EJECTABLE


@pytest.mark.parametrize("name", EJECTABLE)
def test_the_copy_is_complete_and_names_itself(name, root, capsys):
    package, before = OF_THE_LIBRARY[name], sources(root)
    assert cli.main(["eject", name]) == 0
    out = capsys.readouterr().out
    after = sources(root)
    new = {f"components/{package}/{file}" for file in source_files(package)}
    assert after.keys() - before.keys() == new
    for file in new:
        assert f"tfxkit.components.{package}" not in after[file].decode()
        assert Path(file).name in out
    changed = {file for file in before if before[file] != after[file]}
    assert "components/__init__.py" in changed
    for file in changed:
        assert f"  {file}\n" in out
        assert f"tfxkit.components.{package}" not in after[file].decode()
    [own] = [component for component in palette(root) if component.name == name]
    assert own.module.startswith(f"components.{package}")
    others = {component.name for component in palette(root) if component.package}
    assert others == {*EJECTABLE} - {name}


@pytest.mark.parametrize("name", EJECTABLE)
def test_the_copy_is_as_the_rules_of_the_project_have_it(name, root):
    eject(name, root)
    for check in (["check"], ["format", "--check"]):
        done = python(root, "-m", "ruff", *check, "--no-cache", "components", "pipeline")
        assert done.returncode == 0, done.stdout


BUILT = """
import json, os, sys
from pathlib import Path
import tfx.v1
from tfxkit.config.loading import load
from tfxkit.kubeflow.span_driver import reads_spans
from tfxkit.runs import dag_building
from tfxkit.runs.places import Places

configs, *roots = sys.argv[1:]
for root in roots:
    child = os.fork()
    if not child:
        os.chdir(root)
        sys.path.insert(0, root)
        for file in sorted(Path("components").rglob("*.py")):
            module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
            __import__(module)
        places = Places("data", configs + "/schema.pbtxt", "serving", "checkpoints")
        config = load(Path(configs), ["fast"], ["dag=pipeline.dag"])
        nodes = dag_building.build_components(config, places)
        executors = [node.executor_spec.class_path for node in nodes]
        print(json.dumps({
            "root": root,
            "file": sys.modules["components"].__file__,
            "executors": executors,
            "drivers": [f"{node.driver_class.__module__}" for node in nodes],
            "reads_spans": [each for each in executors if reads_spans(each)],
        }), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, root
"""


@pytest.mark.slow
def test_each_is_imported_and_built_into_the_dag(tmp_path):
    roots = {}
    for name in EJECTABLE:
        roots[str(copy_project(tmp_path / name))] = name
        eject(name, tmp_path / name)
    done = python(tmp_path, "-c", BUILT, str(CONFIGS), *roots)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        found = json.loads(line)
        name = roots.pop(found["root"])
        package = OF_THE_LIBRARY[name]
        assert found["file"].startswith(found["root"])
        [own] = [path for path in found["executors"] if path.startswith("components.")]
        assert own.startswith(f"components.{package}.")
        assert not [path for path in found["executors"] if f"tfxkit.components.{package}." in path]
        if name in ("Baseline", "SpanExampleGen"):
            assert [path for path in found["drivers"] if path.startswith(f"components.{package}.")]
        assert len(found["reads_spans"]) == 1  # also by an executor that is no class of the library
    assert not roots


@pytest.mark.slow
def test_runs_go_on_with_ejected_components(tmp_path):
    """With a driver (Baseline), pickled functions (both others) and metrics named by module."""
    root = copy_project(tmp_path / "project")
    make_project(root)
    path = os.pathsep.join((environment(root)["PYTHONPATH"], str(LIBRARY)))
    with preloaded(tmp_path, root, environment(root) | {"PYTHONPATH": path}) as forked:
        _run_before_and_after(root, forked)


def _run_before_and_after(root: Path, forked: Forked) -> None:
    selected = ["--config", "fast", "--set", "dag=pipeline.dag"]
    runs = root / "outputs" / NAME / "runs"

    def pipeline(*arguments: str) -> str:
        done = forked("tfxkit.cli", [*arguments, *selected])
        return f"{done.returncode}\n{done.stdout}{done.stderr}"

    out = pipeline("run", "--to", "Baseline")
    assert out.startswith("0\n"), out
    for name in ("Baseline", "Evaluator", "SpanExampleGen"):
        eject(name, root)
    out = pipeline("run")
    assert out.startswith("0\n"), out
    found = summary.read(runs / "latest")
    assert found.status is Status.PUSHED and found.metrics["auc"] > 0.5
    states = {step.name: step.state for step in found.steps}
    assert states["ExampleGen"] is states["Baseline"] is State.RUN  # not those of the run before

    # Errors in an ejected component are the owner's, with file and line.
    module = root / "components" / "baseline" / "component.py"
    source = module.read_text().replace("model = art", "print(1 / 0)\n        model = art")
    module.write_text(source)
    line = source[: source.index("1 / 0")].count("\n") + 1
    out = pipeline("run", "--to", "Baseline")
    assert out.startswith("1\n")
    assert f"components/baseline/component.py, line {line}, in Do" in out
    assert "ZeroDivisionError" in out


@pytest.mark.slow
def test_the_projects_tests_pass_with_all_of_them_ejected(tmp_path):
    root = copy_project(tmp_path / "project")
    for folder in ("configs", "data", "tests"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in EJECTABLE:
        eject(name, root)
    assert not [component for component in palette(root) if component.package]
    done = python(root, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", "tests")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and " skipped" not in done.stdout


def test_what_is_the_projects_own_is_not_ejected_again(root, capsys):
    assert cli.main(["eject", "Baseline"]) == 0
    (root / "components" / "baseline" / "component.py").write_text("# mine\n")
    before = sources(root)
    for name in ("Baseline", "Announce"):
        assert cli.main(["eject", name]) == 2
        assert f"{name} is the project's own already" in capsys.readouterr().err
    assert sources(root) == before


@pytest.mark.parametrize("path", ["components/baseline/mine.py", "components/baseline.py"])
def test_what_is_in_the_way_stays(root, path, capsys):
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text("MINE = 1\n")
    before = sources(root)
    assert cli.main(["eject", "Baseline"]) == 2
    err = capsys.readouterr().err
    assert "is there already" in err and err.count("\n") == 1
    assert sources(root) == before


def test_an_unknown_name_gets_the_nearest(root, capsys):
    assert cli.main(["eject", "Basline"]) == 2
    assert "did you mean Baseline?" in capsys.readouterr().err
    assert cli.main(["eject", "Zzz"]) == 2
    assert "there are: Baseline, DataGate" in capsys.readouterr().err


def test_without_a_name_it_lists(root, capsys):
    eject("Baseline", root)
    before = sources(root)
    assert cli.main(["eject"]) == 0
    out = capsys.readouterr().out
    assert "Announce         the project's own: components.announce" in out
    assert "Baseline         the project's own: components.baseline" in out
    assert re.search(r"^Evaluator +\d+ files, \d+ lines$", out, re.MULTILINE)
    assert sources(root) == before


PROGRAM = """
import os, signal, sys
from pathlib import Path
from tfxkit.ejection import eject
root, count = Path(sys.argv[1]), int(sys.argv[2])
touches = ("open", "os.rename", "os.mkdir", "shutil.rmtree")
def stop(event, arguments):
    global count
    if event in touches and ".ejecting" in str(arguments[0]):
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(stop)
eject("Baseline", root)
"""


def test_it_may_be_killed_at_any_time(root, tmp_path):
    """The project imports what is there; the same call ends the work, and leaves nothing else."""
    saved = shutil.copytree(root, tmp_path / "saved")
    eject("Baseline", root)
    wanted = sources(root)
    for touch in range(1, 100):
        shutil.rmtree(root)
        shutil.copytree(saved, root)
        done = python(root, "-c", PROGRAM, str(root), str(touch))
        for file in root.rglob("[!.]*.py"):
            if ".baseline.ejecting" not in str(file):
                ast.parse(file.read_text())
        [component] = [each for each in palette(root) if each.name == "Baseline"]
        assert component.package or (root / "components" / "baseline" / "component.py").exists()
        if done.returncode != -signal.SIGKILL:
            break
        eject("Baseline", root)
        assert sources(root) == wanted
    assert done.returncode == 0 and touch > 6
    assert sources(root) == wanted


def test_a_full_disk_changes_nothing(root):
    before = sources(root)

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "eject", "Baseline"],
        cwd=root, env=environment(root), preexec_fn=small_disk,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Nothing was changed." in done.stderr and "Traceback" not in done.stderr
    assert sources(root) == before


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from tfxkit.components.a.b import c", "from components.a.b import c"),
        ("from tfxkit.components.a import b", "from components.a import b"),
        ("from tfxkit.components.ab import c", None),
        ("from tfxkit.components.b import a", None),
        ("from tfxkit.config.a import components", None),
        (
            "import tfxkit.components.a.b\ntfxkit.components.a.b.c()",
            "import components.a.b\ncomponents.a.b.c()",
        ),
        ("x = 'ä', code_hash('tfxkit.components.a')", "x = 'ä', code_hash('components.a')"),
        ('"""See\n\n`tfxkit.components.a.B`."""', '"""See\n\n`components.a.B`."""'),
        ("x = 1  # see tfxkit.components.a", "x = 1  # see components.a"),
        ("mine.tfxkit.components.a.b()", None),
        ("'mine.tfxkit.components.a'", None),
        ("'tfxkit.components.a_b'", None),
        ("tfxkit = components = a = 1", None),
        (
            "from tfxkit.components.a import (\n    b,  # ü\n)\nfrom tfxkit.components.a import c",
            "from components.a import (\n    b,  # ü\n)\nfrom components.a import c",
        ),
    ],
)
def test_only_names_of_the_package_are_rewritten(source, expected):
    assert rewrite(source, "a") == (source if expected is None else expected)

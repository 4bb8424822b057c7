"""Projects of each kind: whole, renamed, silent about what was left out, and sound."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.template
# Said again on purpose: this must not lean on the code that it judges.
OLD_NAMES = re.compile(
    r"tfx[-_ .]?reference|taxi[-_ .]?reference|(>>>|<<<) template", re.IGNORECASE
)
MARKS = re.compile(r"(#|<!--) (>>>|<<<) \w+")
ONLY_TEMPLATE = (
    ".ci",
    ".github/CODEOWNERS",
    ".github/ISSUE_TEMPLATE",
    ".github/workflows/audit.yml",
    ".github/workflows/suites.yml",
    "cookiecutter.json",
    "copier.yml",
    "hooks",
    "template",
    "tests/foreign",
    "tests/shipped",
    "tests/template",
)
CLUSTER = (
    "deploy",
    "tfxkit/config/remote",
    "tfxkit/kubeflow",
    "tfxkit/commands/compile.py",
    "tfxkit/commands/submit.py",
    "tests/kubeflow",
    ".dockerignore",
)
OF = {
    "kubeflow": (
        "configs/kubeflow.yaml",
        "deploy/kubernetes",
        "docs/kubeflow.md",
        "tfxkit/kubeflow/clients/kubeflow.py",
        "tfxkit/kubeflow/runners/kubeflow.py",
    ),
    "vertex": (
        "configs/vertex.yaml",
        "docs/vertex.md",
        "tfxkit/kubeflow/clients/vertex.py",
        "tfxkit/kubeflow/runners/vertex.py",
    ),
}
TARGETS = {"local": (), "kubeflow": ("kubeflow",), "vertex": ("vertex",), "all": tuple(OF)}
# Where a local project may still say why something is as it is.
REASONS = {
    "tfxkit/components/baseline/component.py",
    "tfxkit/components/serving_check/component.py",
    "docs/architecture.md",
    "docs/patches.md",
    "tests/pipeline/test_dag.py",
    "tests/runs/test_imports_of_components.py",
    "tests/test_architecture.py",
}
QUICK = (
    "tests/pipeline/environment/test_lock.py",
    "tests/pipeline/environment/test_makefile.py",
    "tests/pipeline/test_cli.py",
    "tests/pipeline/test_config.py",
    "tests/test_architecture.py",
)
QUICK_ON_A_CLUSTER = (
    "tests/kubeflow/test_package_checks.py",
    "tests/kubeflow/test_image.py",
    "tests/kubeflow/test_optional.py",
    "tests/kubeflow/test_remote_run.py",
    "tests/kubeflow/test_settings.py",
)


def texts(project):
    """Path -> text of each file that has one, but for data and pictures."""
    for path in sorted(project.rglob("*")):
        relative = path.relative_to(project).as_posix()
        data = relative.startswith(("data/taxi/", "tests/sample/data/"))
        if path.is_file() and not data and path.suffix != ".png":
            yield relative, path.read_text(encoding="utf-8")


@pytest.fixture
def make(cookiecutter, template, home):
    def make(runs_on: str, *answers: str):
        wanted = ("project_name=Iris Demo", "pipeline_name=flowers", f"runs_on={runs_on}", *answers)
        cookiecutter(template, "--no-input", *wanted)
        return home / "out" / "iris-demo"

    return make


@pytest.fixture(scope="module")
def mypy_cache(tmp_path_factory) -> Path:
    """What it found out about the libraries, which is the same for all projects."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("runs_on", TARGETS)
def test_a_project_is_whole_and_sound(runs_on, make, sh, mypy_cache):
    project = make(runs_on, "author_name=Zoë O'Brien", "license=MIT", "python_version=3.12")
    targets = TARGETS[runs_on]

    for name in ONLY_TEMPLATE:
        assert not (project / name).exists(), name
    for name in CLUSTER:
        assert (project / name).exists() == bool(targets), name
    for target, names in OF.items():
        for name in names:
            assert (project / name).exists() == (target in targets), name
    for path, text in texts(project):
        if path != ".copier-answers.yml":
            assert not OLD_NAMES.search(path + text), path
        assert not MARKS.search(text), path
        if path.endswith(".md"):
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                assert (project / path).parent.joinpath(link).exists(), f"{path}: {link}"

    described = tomllib.loads((project / "pyproject.toml").read_text())
    assert described["project"]["name"] == "iris-demo"
    assert described["project"]["authors"] == [{"name": "Zoë O'Brien"}]
    assert described["project"]["license"] == "MIT AND Apache-2.0"
    assert ("kfp==2.16.1" in described["project"]["dependencies"]) == bool(targets)
    assert "Zoë O'Brien" in (project / "LICENSE").read_text()
    assert "Apache License" in (project / "LICENSE-APACHE").read_text()
    python = (project / "tfxkit" / "environment" / "python.sh").read_text()
    assert "for python in python3.12 python3.13 python3.11" in python
    base = yaml.safe_load((project / "configs" / "base.yaml").read_text())
    assert base["pipeline"] == "flowers"

    ruff = [sys.executable, "-m", "ruff"]
    sh(*ruff, "check", "--no-cache", cwd=project)
    sh(*ruff, "format", "--check", "--no-cache", cwd=project)
    mypy = [sys.executable, "-m", "mypy", "--cache-dir", mypy_cache]
    sh(*mypy, "pipeline", "components", "models", "tfxkit", cwd=project)
    chosen = (*QUICK, *(QUICK_ON_A_CLUSTER if targets else ()))
    sh(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, cwd=project)
    verbs = sh(sys.executable, "-m", "pipeline", "--help", cwd=project).stdout
    assert ("submit" in verbs) == bool(targets)
    if targets:
        usage = sh(sys.executable, "-m", "pipeline", "compile", "--help", cwd=project).stdout
        assert "{" + ",".join(targets) + "}" in usage


def test_a_local_project_does_not_speak_of_clusters(make):
    word = re.compile(r"kubeflow|kubernetes|vertex|kfp", re.IGNORECASE)
    spoken = {
        path
        for path, text in texts(make("local"))
        if word.search(text) and not path.startswith("requirements/") and path not in REASONS
    }
    assert not spoken


def test_the_licence_of_the_template_is_enough_if_it_is_chosen(make):
    project = make("local")
    assert not (project / "LICENSE-APACHE").exists()
    assert 'license = "Apache-2.0"\n' in (project / "pyproject.toml").read_text()


def test_a_kubeflow_project_installs_itself_and_its_package_runs_on_the_backend(make, sh):
    project = make("kubeflow", f"python_version={sys.version_info[0]}.{sys.version_info[1]}")
    # Packages that are on this machine need not come again; nothing of this environment is its own.
    home = ["env", "-u", "PYTHONPATH", "-u", "PYTHON", f"HOME={Path.home()}"]
    told = sh(*home, "make", "test-kubeflow", "ARGS=-k test_the_first_run", cwd=project).stdout
    assert "test_the_first_run_pushes_a_model PASSED" in told
    command = [project / ".venv/bin/python", "-m", "pipeline", "compile", "--target", "kubeflow"]
    sh(*command, "-o", "package.yaml", cwd=project)
    [package, _] = yaml.safe_load_all((project / "package.yaml").read_text())
    assert package["pipelineInfo"]["name"] == "flowers"
    shutil.rmtree(project / ".venv")  # gigabytes that pytest would keep

"""Projects of each kind: whole, renamed, silent about what was left out, and sound."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zipfile

import pytest
import yaml

pytestmark = pytest.mark.template
# Said again on purpose: this must not lean on the code that it judges.
OLD_NAMES = re.compile(r"tfx[-_ .]?reference|taxi[-_ .]?reference", re.IGNORECASE)
MARKS = re.compile(r"(#|<!--) (>>>|<<<) \w+")
CLUSTER = ("deploy/Dockerfile", ".dockerignore")
OF = {
    "kubeflow": ("configs/kubeflow.yaml", "deploy/kubernetes", "deploy/flink"),
    "vertex": ("configs/vertex.yaml",),
}
TARGETS = {"local": (), "kubeflow": ("kubeflow",), "vertex": ("vertex",), "all": tuple(OF)}
NEEDED = {
    "local": set(),
    "kubeflow": {"kfp", "kfp-kubernetes"},
    "vertex": {"kfp"},
    "all": {"kfp", "kfp-kubernetes"},
}
# A comment that gives a reason, and a test that compiles where the extra is there.
MAY_SPEAK = {"components/announce.py", "tests/test_dag.py"}
# Files and lines of a project: small enough to be read by its owner.
MOST_FILES, MOST_LINES_OF_PYTHON = 100, 2_500


def texts(project):
    """Path -> text of each file that has one, but for data and the library."""
    for path in sorted(project.rglob("*")):
        relative = path.relative_to(project).as_posix()
        if path.is_file() and not relative.startswith(("data/taxi/", "vendor/")):
            yield relative, path.read_text(encoding="utf-8")


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)


@pytest.fixture
def make(cookiecutter, template, home):
    def make(runs_on: str, *answers: str):
        wanted = ("project_name=Iris Demo", "pipeline_name=flowers", f"runs_on={runs_on}", *answers)
        cookiecutter(template, "--no-input", *wanted)
        return home / "out" / "iris-demo"

    return make


@pytest.mark.parametrize("runs_on", TARGETS)
def test_a_project_is_whole_and_sound(runs_on, make, sh):
    project = make(runs_on, "author_name=Zoë O'Brien", "license=MIT", "python_version=3.12")
    targets = TARGETS[runs_on]

    for name in CLUSTER:
        assert (project / name).exists() == bool(targets), name
    for target, names in OF.items():
        for name in names:
            assert (project / name).exists() == (target in targets), name
    lines = 0
    for path, text in texts(project):
        if path != ".copier-answers.yml":
            assert not OLD_NAMES.search(path + text), path
        assert not MARKS.search(text), path
        if path.endswith(".md"):
            for link in links(text):
                assert (project / path).parent.joinpath(link).exists(), f"{path}: {link}"
        if path.endswith(".py"):
            ast.parse(text)
            lines += text.count("\n")
    assert lines <= MOST_LINES_OF_PYTHON
    assert len(list(texts(project))) <= MOST_FILES

    described = tomllib.loads((project / "pyproject.toml").read_text())
    assert described["project"]["name"] == "iris-demo"
    assert described["project"]["authors"] == [{"name": "Zoë O'Brien"}]
    assert described["project"]["license"] == "MIT AND Apache-2.0"
    assert described["project"]["dependencies"] == []
    assert described["project"]["scripts"].keys() == {"iris-demo"}
    assert set(described["tool"]["tfxkit"]["extras"]) == {*targets, "serving"}
    locked = (project / "requirements" / "runtime.txt").read_text()
    assert (
        set(re.findall(r"^(kfp[a-z-]*)==", locked, re.M))
        - {"kfp-pipeline-spec"}
        - {"kfp-server-api"}
        == NEEDED[runs_on]
    )
    assert "Zoë O'Brien" in (project / "LICENSE").read_text()
    assert "Apache License" in (project / "LICENSE-APACHE").read_text()
    assert "for python in python3.12 python3.13 python3.11" in (project / "setup.sh").read_text()
    base = yaml.safe_load((project / "configs" / "base.yaml").read_text())
    assert base["pipeline"] == "flowers"

    ruff = [sys.executable, "-m", "ruff"]
    sh(*ruff, "check", "--no-cache", cwd=project)
    sh(*ruff, "format", "--check", "--no-cache", cwd=project)


def test_a_local_project_does_not_speak_of_clusters(make):
    word = re.compile(r"kubeflow|kubernetes|vertex|kfp", re.IGNORECASE)
    spoken = {
        path
        for path, text in texts(make("local"))
        if word.search(text) and not path.startswith(("requirements/", "docs/"))
    }
    assert spoken <= MAY_SPEAK


def test_the_licence_of_the_template_is_enough_if_it_is_chosen(make):
    project = make("local")
    assert not (project / "LICENSE-APACHE").exists()
    assert 'license = "Apache-2.0"\n' in (project / "pyproject.toml").read_text()


def test_the_readme_is_about_the_project(make):
    text = (make("all") / "README.md").read_text()
    assert text.startswith("# Iris Demo\n")
    purpose = "predicts whether a taxi passenger will tip more than a fifth of the fare"
    assert purpose in " ".join(text.split())
    assert re.search(r"<!-- model:.*-->\n<!-- end of model -->\n", text)
    for command in ("make run", "iris-demo predict rows.csv", "iris-demo serve"):
        assert f"\n{command}" in text
    assert "curl localhost:8501/v1/models/flowers:predict" in text and '"fare": 12.45' in text
    for file in ("pipeline/dag.py", "models/features.py", "models/network.py", "models/metrics.py"):
        assert file in links(text)
    assert "iris-demo upgrade" in text and "copier update --trust" in text
    assert "iris-demo submit --target kubeflow" in text
    assert "iris-demo submit --target vertex" in text


def test_the_documentation_of_the_library_comes_with_the_project(make, template):
    project = make("local")
    text = " ".join((project / "README.md").read_text().split())
    assert "`iris-demo docs` lists the pages" in text
    [wheel] = (project / "vendor").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        page = archive.read("tfxkit/docs/configuration.md")
    assert page == (template / "library/docs/configuration.md").read_bytes()

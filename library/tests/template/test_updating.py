"""Later versions of template and library come into a project, and the owner's edits stay."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from template import library
from tests.foreign.own_steps import add_steps
from tests.template.conftest import PACKAGES, PYTHON, VERSION, commit, replace, unpack

pytestmark = pytest.mark.template
ANSWERS = ("project_name=Iris Demo", "pipeline_name=flowers", "author_name=Ada", "runs_on=local")
NEXT = "0.2.1"
FOREIGN = Path(__file__).parents[1] / "foreign" / "project"  # files of an owner of such data
CHANGES = "- `compile_model` has the argument `jit_compile`."


def release(sh, template: Path, version: str = NEXT, before: str = VERSION) -> None:
    """The next version: of the library, a key and an argument; of the template, files."""
    replace(template / "library/pyproject.toml", f'version = "{before}"', f'version = "{version}"')
    if version == NEXT:
        title, new = f"## [{before}]", f"## [{version}]\n\n{CHANGES}\n\n"
        replace(template / "library/CHANGELOG.md", title, new + title)
        settings = template / "library/src/tfxkit/config/loading.py"
        section = "class RetentionConfig(Frozen):"
        replace(settings, section, f"{section}\n    news: int = 7")
        function = template / "library/src/tfxkit/training/fitting.py"
        last = "    optimizer: keras.optimizers.Optimizer | None = None,\n"
        replace(function, last, f"{last}    jit_compile: bool = False,\n")
        replace(function, "jit_compile=False,  #", "jit_compile=jit_compile,  #")
        call = "    compile_model(model, job)\n"
        replace(template / "models/training.py", call, call.replace(")", ", jit_compile=False)"))
        replace(template / "configs/local.yaml", "# On one machine:", "# Here:")
        (template / "pipeline" / "tfx_reference_pipeline.py").write_text(
            '"""tfx-reference-pipeline."""\n'
        )
        (template / "notebooks" / "04_runs_and_lineage.ipynb").unlink()
        replace(template / "pipeline/dag.py", "from __future__", "# News.\n\nfrom __future__")
    commit(sh, template, f"v{version}")


@pytest.fixture
def project(request, cookiecutter, copier, template, sh) -> Path:
    """A project in git that cookiecutter has made, or copier, of version 0.2.0."""
    project, address = template.parent / "out" / "iris-demo", f"git+file://{template}"
    if getattr(request, "param", "cookiecutter") == "copier":
        data = [word for answer in ANSWERS for word in ("--data", answer)]
        copier("copy", *data, address, project)
    else:
        cookiecutter(address, "--no-input", *ANSWERS)
    sh("git", "init", "-q", cwd=project)
    commit(sh, project)
    return project


def edit(sh, project: Path) -> None:
    """Features, a network, and a DAG with further steps, of the owner's."""
    shutil.copytree(FOREIGN / "components", project / "components", dirs_exist_ok=True)
    for name in ("features.py", "network.py"):
        shutil.copy(FOREIGN / "models" / name, project / "models")
    add_steps(project / "pipeline")
    replace(project / "configs" / "local.yaml", "outputs: outputs", "outputs: elsewhere")
    commit(sh, project)


def conflicts(sh, project: Path) -> list[str]:
    return sh("git", "diff", "--name-only", "--diff-filter=U", cwd=project).stdout.split()


def vendored(project: Path) -> Path:
    """The only wheel, which the requirement names by its hash."""
    [wheel] = (project / "vendor").iterdir()
    [name] = re.findall(r"^(vendor/\S+\.whl) ", (project / library.REQUIREMENT).read_text(), re.M)
    [digest] = re.findall("sha256:([0-9a-f]{64})", (project / library.REQUIREMENT).read_text())
    assert project / name == wheel
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == digest
    return wheel


@pytest.mark.parametrize("project", ["cookiecutter", "copier"], indirect=True)
def test_an_update_merges_and_brings_the_library(project, sh, copier, template):
    assert vendored(project).name == f"tfxkit-{VERSION}-py3-none-any.whl"
    edit(sh, project)
    release(sh, template)

    mine = {path: path.read_bytes() for path in project.joinpath("models").glob("[fn]*.py")}
    copier("update", cwd=project)
    assert conflicts(sh, project) == []
    wheel = vendored(project)
    assert wheel.name == f"tfxkit-{NEXT}-py3-none-any.whl"
    shown = "from tfxkit.config.loading import RetentionConfig as R; print(R.model_fields['news'])"
    assert "default=7" in sh(PYTHON, "-c", shown, cwd=project, path=f"{wheel}:{PACKAGES}").stdout

    dag = (project / "pipeline" / "dag.py").read_text()
    assert "# News.\n" in dag and "    count_labels = CountLabels(" in dag
    assert {path: path.read_bytes() for path in mine} == mine
    training = (project / "models" / "training.py").read_text()
    assert "    compile_model(model, job, jit_compile=False)\n" in training
    local = (project / "configs" / "local.yaml").read_text()
    assert local.startswith("# Here:") and "outputs: elsewhere" in local
    assert (project / "pipeline" / "iris_demo.py").read_text() == '"""iris-demo."""\n'
    assert not (project / "notebooks" / "04_runs_and_lineage.ipynb").exists()
    assert not (project / "deploy").exists()

    commit(sh, project)
    copier("update", "--data", "runs_on=vertex", cwd=project)
    assert (project / "configs" / "vertex.yaml").exists()
    assert "kfp==" in (project / "requirements" / "runtime.txt").read_text()
    assert "outputs: elsewhere" in (project / "configs" / "local.yaml").read_text()
    answers = (project / ".copier-answers.yml").read_text().partition("\n")[2]
    assert json.loads(answers)["runs_on"] == "vertex"


def test_the_projects_tests_pass_after_an_update(project, sh, copier, template, home):
    """Its own features, network and DAG, the template's new call, the library's new argument."""
    edit(sh, project)
    release(sh, template)
    copier("update", cwd=project)
    path = f"{project}:{unpack(vendored(project), home / 'library')}"
    tests = ("-m", "pytest", "-p", "no:cacheprovider", "-m", "not slow", "tests")
    outcome = sh(sys.executable, *tests, cwd=project, path=path).stdout
    assert " passed" in outcome and " skipped" not in outcome


def test_upgrade_brings_the_library_alone(project, sh, template, home):
    before = f"{project}:{unpack(vendored(project), home / 'before')}"
    release(sh, template)
    build = "import build_backend; print(build_backend.build_wheel('..'))"
    name = sh(PYTHON, "-B", "-c", build, cwd=template / "library").stdout.strip()
    pipeline = (sys.executable, "-m", "pipeline")
    show = (*pipeline, "config", "show", "--set", "retention.news=3")
    refused = sh(*show, cwd=project, path=before, ok=False).stderr
    assert "retention.news: unknown key" in refused

    outcome = sh(*pipeline, "upgrade", template / name, cwd=project, path=before).stdout
    assert f"is tfxkit {NEXT} now (before: {VERSION})" in outcome and CHANGES in outcome
    wheel = vendored(project)
    assert wheel.name == name == f"tfxkit-{NEXT}-py3-none-any.whl"
    sh("git", "add", "-A", cwd=project)
    changed = sh("git", "diff", "--cached", "--no-renames", "--name-only", cwd=project).stdout
    old = f"vendor/tfxkit-{VERSION}-py3-none-any.whl"
    assert changed.splitlines() == [library.REQUIREMENT, old, f"vendor/{name}"]
    after = f"{project}:{unpack(wheel, home / 'after')}"
    assert "news: 3\n" in sh(*show, cwd=project, path=after).stdout


def test_conflicts_are_listed_at_the_end_with_an_error(project, sh, copier, template):
    replace(project / "configs" / "local.yaml", "# On one machine:", "# Mine:")
    commit(sh, project)
    release(sh, template)
    done = copier("update", cwd=project, ok=False)
    assert conflicts(sh, project) == ["configs/local.yaml"]
    told = done.stderr.splitlines()
    place = told.index("Conflicts are left, edit these files and commit:")
    assert told[place + 1 :][:1] == ["  configs/local.yaml"]
    assert told[place + 2].startswith("Task ") and len(told) == place + 3
    assert vendored(project).name == f"tfxkit-{NEXT}-py3-none-any.whl"


def test_a_library_that_was_upgraded_by_hand_is_no_conflict(project, sh, copier, template):
    release(sh, template)
    library.write(template, project)  # as `upgrade` does
    commit(sh, project)
    release(sh, template, "0.2.2", before=NEXT)
    copier("update", cwd=project)
    assert conflicts(sh, project) == []
    assert vendored(project).name == "tfxkit-0.2.2-py3-none-any.whl"


def test_a_lock_with_conflicts_is_the_templates(project, sh, copier, template):
    lock = "requirements/runtime.txt"
    text = (project / lock).read_text()
    [line] = re.findall(r"^absl-py==.*$", text, re.M)
    replace(project / lock, line, "absl-py==0.1 \\")
    commit(sh, project)
    replace(template / lock, line, "absl-py==9.9 \\")
    release(sh, template)
    done = copier("update", cwd=project)
    assert "requirements/runtime.txt is the template's now. Run make lock" in done.stdout
    assert conflicts(sh, project) == []
    assert (project / lock).read_text() == text.replace(line, "absl-py==9.9 \\")


def test_copier_keeps_what_is_there_unless_it_is_told_otherwise(copier, template, home):
    project = home / "out" / "iris-demo"
    project.mkdir()
    (project / "README.md").write_text("mine\n")
    copier("copy", template, project)
    assert (project / "README.md").read_text() == "mine\n"
    copier("copy", "--overwrite", template, project)
    assert (project / "README.md").read_text().startswith("# My TFX pipeline\n")

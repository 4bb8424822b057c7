"""Later versions of template and library come into a project, and the owner's edits stay."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from template import library
from tests.template.conftest import PACKAGES, PYTHON, VERSION, commit, replace

pytestmark = pytest.mark.template
ANSWERS = ("project_name=Iris Demo", "pipeline_name=flowers", "author_name=Ada", "runs_on=local")
NEXT = "0.2.1"


def release(sh, template: Path, version: str = NEXT, before: str = VERSION) -> None:
    """The next version: of the library, a key and a function; of the template, files."""
    replace(template / "library/pyproject.toml", f'version = "{before}"', f'version = "{version}"')
    if version == NEXT:
        settings = template / "library/src/tfxkit/config/loading.py"
        section = "class RetentionConfig(Frozen):"
        replace(settings, section, f"{section}\n    news: int = 7")
        start = "def project_root() -> Path:"
        moved = "def project_root(*, resolve: bool = True) -> Path:"
        replace(template / "library/src/tfxkit/project.py", start, moved)
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
    """Features, a network and a DAG of the owner's."""
    with (project / "models" / "features.py").open("a") as file:
        file.write("\n\nMINE = 1\n")
    (project / "models" / "network.py").write_text('"""Mine."""\n')
    replace(
        project / "pipeline" / "dag.py", "    return steps\n", "    mine = steps\n    return mine\n"
    )
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

    copier("update", cwd=project)
    assert conflicts(sh, project) == []
    wheel = vendored(project)
    assert wheel.name == f"tfxkit-{NEXT}-py3-none-any.whl"
    shown = "from tfxkit.config.loading import RetentionConfig as R; print(R.model_fields['news'])"
    assert "default=7" in sh(PYTHON, "-c", shown, cwd=project, path=f"{wheel}:{PACKAGES}").stdout

    dag = (project / "pipeline" / "dag.py").read_text()
    assert "# News.\n" in dag and "    return mine\n" in dag
    assert (project / "models" / "features.py").read_text().endswith("\n\nMINE = 1\n")
    assert (project / "models" / "network.py").read_text() == '"""Mine."""\n'
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

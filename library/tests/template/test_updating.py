"""Later changes of the template come into a project, and the user's own edits stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.template.conftest import commit, replace

pytestmark = pytest.mark.template
ANSWERS = ("project_name=Iris Demo", "pipeline_name=flowers", "author_name=Ada", "runs_on=local")


def release(sh, template) -> None:
    """The next version of the template: a line changed, a file more, a file less."""
    replace(template / "docs" / "running.md", "# Running the pipeline", "# How to run it")
    (template / "docs" / "tfx-reference-pipeline.md").write_text("# tfx-reference-pipeline\n")
    (template / "docs" / "summary.md").unlink()
    replace(template / "README.md", "- [docs/summary.md](docs/summary.md)", "- summary")
    commit(sh, template, "v0.2.0")


@pytest.fixture(params=["cookiecutter", "copier"])
def project(request, cookiecutter, copier, template, home) -> Path:
    """A project that the one or the other has made."""
    made, address = home / "out" / "iris-demo", f"git+file://{template}"
    if request.param == "copier":
        data = [word for answer in ANSWERS for word in ("--data", answer)]
        copier("copy", *data, address, made)
    else:
        cookiecutter(address, "--no-input", *ANSWERS)
    return made


def test_an_update_merges(project, sh, copier, template):
    sh("git", "init", "-q", cwd=project)
    commit(sh, project)
    replace(project / "configs" / "local.yaml", "outputs: outputs", "outputs: elsewhere")
    with (project / "docs" / "running.md").open("a") as file:
        file.write("\nMine.\n")
    commit(sh, project)
    release(sh, template)

    copier("update", cwd=project)
    assert sh("git", "diff", "--name-only", "--diff-filter=U", cwd=project).stdout == ""
    text = (project / "docs" / "running.md").read_text()
    assert text.startswith("# How to run it\n") and text.endswith("\nMine.\n")
    assert "outputs: elsewhere" in (project / "configs" / "local.yaml").read_text()
    assert (project / "docs" / "iris-demo.md").read_text() == "# iris-demo\n"
    assert not (project / "docs" / "summary.md").exists()
    assert not (project / "tfxkit" / "kubeflow").exists()
    assert "pipeline: flowers\n" in (project / "configs" / "base.yaml").read_text()

    commit(sh, project)
    copier("update", "--data", "runs_on=vertex", cwd=project)
    assert (project / "tfxkit" / "kubeflow" / "runners" / "vertex.py").exists()
    assert "outputs: elsewhere" in (project / "configs" / "local.yaml").read_text()


def test_copier_keeps_what_is_there_unless_it_is_told_otherwise(copier, template, home):
    project = home / "out" / "iris-demo"
    project.mkdir()
    (project / "README.md").write_text("mine\n")
    copier("copy", template, project)
    assert (project / "README.md").read_text() == "mine\n"
    copier("copy", "--overwrite", template, project)
    assert (project / "README.md").read_text().startswith("# My TFX pipeline\n")

"""All the ways to call cookiecutter give the same project, and nothing is left in the template."""

from __future__ import annotations

import os

import pytest

from tests.template.conftest import commit, replace

pytestmark = pytest.mark.template
ANSWERS = ("project_name=Iris Demo", "author_name=Zoë O'Brien", "runs_on=kubeflow")


def contents(project) -> dict[str, bytes]:
    """All files of a project but the one that says where it came from."""
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and path.name != ".copier-answers.yml"
    }


def test_paths_addresses_tags_archives_and_replays_give_the_same(cookiecutter, sh, template, home):
    def made(*arguments, **more) -> dict[str, bytes]:
        number = len(list(home.glob("out-*")))
        cookiecutter(*arguments, "-o", home / f"out-{number}", **more)
        return contents(home / f"out-{number}" / "iris-demo")

    wanted = ["--no-input", *ANSWERS]
    project = made(template, *wanted)
    assert len(project) > 300
    assert project["deploy/kind/kustomization.yaml"]
    assert made("../template", *wanted) == project
    assert made(".", *wanted, cwd=template) == project
    assert made(template, "--replay") == project
    answers = "Iris Demo\n\n\nZoë O'Brien\n\n\n2\n\n\n"
    assert made(template, stdin=answers) == project
    sh("git", "archive", "--prefix=main/", "-o", home / "main.zip", "HEAD", cwd=template)
    assert made(home / "main.zip", *wanted) == project
    (template / "docs" / "new.md").write_text("# New\n")
    commit(sh, template, "v0.2.0")
    address = f"git+file://{template}"
    assert "docs/new.md" in made(address, *wanted)
    assert made(address, "--checkout", "v0.1.0", *wanted) == project
    assert sh("git", "status", "--porcelain", "--ignored", cwd=template).stdout in (
        "",
        "!! template/__pycache__/\n",  # cookiecutter itself imports the extension
    )


def test_what_git_does_not_track_stays_behind(cookiecutter, template, home):
    (template / ".venv").mkdir()
    (template / ".venv" / "python").symlink_to("/nonexistent")
    for name in (".env", "notes.txt", "pipeline/scratch.py"):
        (template / name).write_text("secret\n")
    cookiecutter(template, "--no-input", *ANSWERS)
    project = contents(home / "out" / "iris-demo")
    assert not {".venv/python", ".env", "notes.txt", "pipeline/scratch.py"} & project.keys()
    assert not [path for path, content in project.items() if content == b"secret\n"]


def test_a_project_that_is_there_is_refused_replaced_or_completed(cookiecutter, template, home):
    command = (template, "--no-input", *ANSWERS)
    cookiecutter(*command)
    project = home / "out" / "iris-demo"
    before = contents(project)
    (project / "own.py").write_text("# mine\n")
    (project / "README.md").write_text("mine\n")
    (project / "setup.py").write_text("mine\n")
    (project / "Makefile").unlink()

    assert "already exists" in cookiecutter(*command, ok=False).stdout
    cookiecutter(*command, "-f", "-s")
    mine = {"own.py": b"# mine\n", "README.md": b"mine\n", "setup.py": b"mine\n"}
    assert contents(project) == {**before, **mine}
    cookiecutter(*command, "-f")
    assert contents(project) == {**before, "own.py": b"# mine\n"}


@pytest.mark.parametrize(
    "bad",
    [
        "project_slug=../iris",
        "pipeline_name=1st",
        'author_name="""); raise SystemExit(0) #',
        "author_name={{ 7 * 7 }}'\"",
        "project_slug=tensorflow",
    ],
)
def test_a_refused_answer_leaves_nothing(bad, cookiecutter, template, home):
    done = cookiecutter(template, "--no-input", *ANSWERS, bad, ok=False)
    assert done.returncode == 1
    assert f"ERROR: {bad.split('=')[0]}: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(home / "out") == []


def test_without_hooks_the_project_says_why_it_is_empty(cookiecutter, template, home):
    cookiecutter(template, "--no-input", "--accept-hooks=no", *ANSWERS)
    assert "--accept-hooks=no" in (home / "out" / "iris-demo" / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("docs/running.md", "# Running", "# TFX-Reference:"), "docs/running.md: # TFX-Ref"),
        (("pyproject.toml", "authors =", "people ="), "is there 0 times, not once"),
        (("README.md", "<!-- <<< cluster -->\n", ""), "README.md: >>> cluster does not end"),
    ],
)
def test_a_template_that_does_not_fit_itself_fails(change, told, cookiecutter, template, home):
    file, old, new = change
    replace(template / file, old, new)
    done = cookiecutter(template, "--no-input", *ANSWERS, ok=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert os.listdir(home / "out") == []


def test_where_git_fails_nobody_guesses(cookiecutter, template):
    (template / ".git" / "HEAD").unlink()
    done = cookiecutter(template, "--no-input", *ANSWERS, ok=False)
    assert "git ls-files does not work" in done.stderr

"""All the ways to call cookiecutter give the same project, and nothing is left in the template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.template.conftest import PYTHON, VERSION, commit, replace
from tests.template.test_answers import GOOD

pytestmark = pytest.mark.template
ANSWERS = ("project_name=Iris Demo", "author_name=Zoë O'Brien", "runs_on=kubeflow")


def find_python(version: str) -> str | None:
    """A Python of that version that runs, from the PATH or from pyenv; None if there is none."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [f"python{version}", *map(str, root.glob(f"versions/{version}*/bin/python{version}"))]
    for python in found:
        command = [python, "-c", "import sys; print(sys.executable)"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return done.stdout.strip()
    return None


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
    assert project["pipeline/dag.py"]
    assert project["deploy/kind/kustomization.yaml"]
    assert project[f"vendor/tfxkit-{VERSION}-py3-none-any.whl"]
    assert made("../template", *wanted) == project
    assert made(".", *wanted, cwd=template) == project
    assert made(template, "--replay") == project
    replay = home / "home" / ".cookiecutter_replay" / "template.json"
    assert made(template, "--replay-file", shutil.copy(replay, home / "answers.json")) == project
    answers = "Iris Demo\n\n\nZoë O'Brien\n\n\n2\n\n\n"
    assert made(template, stdin=answers) == project
    sh("git", "archive", "--prefix=main/", "-o", home / "main.zip", "HEAD", cwd=template)
    assert made(home / "main.zip", *wanted) == project
    (template / "components" / "new.py").write_text('"""New."""\n')
    commit(sh, template, "v0.2.1")
    address = f"git+file://{template}"
    assert "components/new.py" in made(address, *wanted)
    assert made(address, "--checkout", f"v{VERSION}", *wanted) == project
    assert sh("git", "status", "--porcelain", "--ignored", cwd=template).stdout == ""


def test_what_git_does_not_track_stays_behind(cookiecutter, template, home):
    (template / ".venv").mkdir()
    (template / ".venv" / "python").symlink_to("/nonexistent")
    module = "library/src/tfxkit/scratch.py"
    for name in (".env", "notes.txt", "pipeline/scratch.py", module):
        (template / name).write_text("secret\n")
    cookiecutter(template, "--no-input", *ANSWERS)
    project = contents(home / "out" / "iris-demo")
    assert not {".venv/python", ".env", "notes.txt", "pipeline/scratch.py"} & project.keys()
    assert not [path for path, content in project.items() if content == b"secret\n"]
    assert b"tfxkit/scratch.py" not in project[f"vendor/tfxkit-{VERSION}-py3-none-any.whl"]


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


def test_both_tools_end_with_the_next_steps(cookiecutter, copier, template, home):
    told = cookiecutter(template, "--no-input", *ANSWERS).stdout
    assert "\n    cd iris-demo\n" in told
    assert "\n    git init -b main && git add" in told  # the branch of the workflows
    assert "make run" in told and "pipeline/dag.py" in told
    assert told.rstrip().endswith("how to get the next version.")
    told = copier("copy", "--data", "project_name=Iris", template, home / "out" / "a b").stdout
    assert "\n    cd 'a b'\n" in told
    assert told.rstrip().endswith("how to get the next version.")


def test_the_last_screen_names_the_data(cookiecutter, template, home):
    sample = "\nData: the taxi sample, because the answer dataset_csv is empty.\n"
    (home / "out" / "a.csv").write_text("a,b\n1,2\n")
    misnamed = cookiecutter(template, "--no-input", *ANSWERS, "data_file=a.csv").stdout
    assert sample in misnamed
    told = cookiecutter(template, "--no-input", "dataset_csv=a.csv").stdout
    assert "\nData: data/a/span-1/a.csv.\n" in told


@pytest.mark.parametrize(
    "bad",
    [
        "project_slug=../iris",
        "pipeline_name=1st",
        'author_name="""); raise SystemExit(0) #',
        "author_name={{ 7 * 7 }}'\"",
        "project_slug=tensorflow",
        "dataset_csv=nothing.csv",
    ],
)
def test_a_refused_answer_is_all_that_is_said_and_leaves_nothing(bad, cookiecutter, template, home):
    done = cookiecutter(template, "--no-input", *ANSWERS, bad, ok=False)
    assert done.returncode == 1
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{bad.split('=')[0]}: ")
    assert all(" is invalid: " in line or " is a package " in line for line in lines)
    assert os.listdir(home / "out") == []


def test_a_replay_is_checked_as_well(cookiecutter, template, home):
    (home / "out" / "a.csv").write_text("a,b\n1,2\n")
    cookiecutter(template, "--no-input", *ANSWERS, "dataset_csv=a.csv")
    shutil.rmtree(home / "out" / "iris-demo")
    (home / "out" / "a.csv").unlink()
    done = cookiecutter(template, "--replay", ok=False)
    assert "dataset_csv: 'a.csv' is invalid: " in done.stderr
    assert os.listdir(home / "out") == []


@pytest.mark.parametrize("bad", ["pipeline_name=1st", "license=GPL", "dataset_csv=nothing.csv"])
def test_copier_says_why_and_leaves_nothing(bad, copier, template, home):
    question = bad.split("=")[0]
    done = copier("copy", "--data", bad, template, "iris", ok=False)
    assert f"{question}" in done.stderr.splitlines()[-2 if question != "license" else -1]
    assert os.listdir(home / "out") == []


def test_an_old_python_is_refused_before_the_first_question(cookiecutter, sh, template, home):
    old = find_python("3.10")
    if not old:
        pytest.skip("needs Python 3.10")
    done = cookiecutter(template, ok=False, python=old)
    assert done.stdout == (
        "Python 3.10 runs cookiecutter here, and the template needs Python 3.11 or newer: "
        "uvx --python 3.12 cookiecutter …\n"
    )
    done = sh(old, template / "template", "iris", ok=False)
    assert done.stderr.startswith(
        "Python 3.10 runs copier here, and the template needs Python 3.11"
    )
    assert os.listdir(home / "out") == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ünï Cödé", "uni-code"),
        ("Prévisions", "previsions"),
        ("Łódź & Straße 2.0 -", "lodz-strasse-2-0"),
        ("İzmir Ærø", "izmir-aero"),
    ],
)
def test_copier_derives_the_slug_as_cookiecutter_does(
    cookiecutter, copier, template, home, *, name, slug
):
    cookiecutter(template, "--no-input", f"project_name={name}")
    copier("copy", "--data", f"project_name={name}", template, home / "out" / "copied")
    for folder in (slug, "copied"):
        assert f'\nname = "{slug}"\n' in (home / "out" / folder / "pyproject.toml").read_text()


def test_a_project_of_cruft_names_cruft_wherever_it_names_an_update(sh, template, home):
    """Cruft calls the hooks of cookiecutter with the commit of the template among the answers."""
    project = home / "out" / "trip-tips"
    shutil.copytree(template / "{{cookiecutter.project_slug}}", project)
    context = {**GOOD, "_commit": "0" * 40, "_template": str(template)}
    call = "import json, sys; from template import hook; "
    call += "sys.exit(hook.write(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))"
    sh(
        PYTHON,
        "-B",
        "-c",
        call,
        template,
        home / "out",
        json.dumps(context),
        cwd=project,
        path=template,
    )
    assert not (project / ".copier-answers.yml").exists()
    page = (project / "README.md").read_text()
    assert "then `cruft update` with everything committed" in page
    assert "copier" not in page
    assert (
        "| `.cruft.json` | cruft | `pip install cruft`"
        in (project / "docs/updating.md").read_text()
    )


def test_without_hooks_the_project_says_why_it_is_empty(cookiecutter, template, home):
    cookiecutter(template, "--no-input", "--accept-hooks=no", *ANSWERS)
    assert "--accept-hooks=no" in (home / "out" / "iris-demo" / "README.md").read_text()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("setup.py", "import set", "# TFX-Reference:\nimport set"), "setup.py: # TFX-Ref"),
        (("pyproject.toml", "authors =", "people ="), "is there 0 times, not once"),
        (
            ("setup.py", "import set", "# >>> cluster\nimport set"),
            "setup.py: >>> cluster does not end",
        ),
        (("library/pyproject.toml", '\nversion = "', '\nv = "'), "the wheel cannot be built"),
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

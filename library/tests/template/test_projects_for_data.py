"""A project for a CSV of the user's own: nothing of the sample in it, set up by its first run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from template import own_data
from tests.template.conftest import REPOSITORY, commit
from tests.template.test_ways import contents

TEMPLATE = pytest.mark.template
COLUMNS = 'id;Größe in cm;"art, genau";Blüte?'
# The sample's name and columns, which a project with other data has no use for.
HEADER = next(REPOSITORY.glob("data/taxi/span-1/*.csv")).read_text().splitlines()[0]
SAMPLE = re.compile(rf"(?i:taxi)|\b({HEADER.replace(',', '|')})\b")
WAITING = ("configs/dataset.yaml",)  # linked to, and there after the first run
WRITTEN_BY_INIT = (
    "base.yaml",
    "dataset.yaml",
    "fast.yaml",
    "model_card.yaml",
    "schema.pbtxt",
)


def flowers(file: Path, rows: int = 300, code: str = "utf-8") -> Path:
    """Three kinds of plants of about different height, in a file as a spreadsheet writes it."""
    lines = [COLUMNS]
    for i in range(rows):
        kind = ("Klee", "Mohn", "Rose")[i % 3]
        lines.append(f"{i};{10 + 20 * (i % 3) + i * 7 % 31};{'ja' if i % 2 else 'nein'};{kind}")
    file.write_text("\n".join(lines) + "\n", encoding=code)
    return file


@pytest.fixture
def asked(tmp_path):
    """The problems with answers about a file."""

    def ask(dataset_csv: str = "", dataset_label: str = "") -> list[str]:
        given = {"dataset_csv": dataset_csv, "dataset_label": dataset_label}
        return own_data.problems(given, tmp_path)

    return ask


@pytest.mark.parametrize("label", ["", "Blüte?", "id", "Größe in cm", "art, genau"])
@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_and_its_columns_are_taken(label, code, asked, tmp_path):
    flowers(tmp_path / "a b.csv", code=code)
    assert asked("a b.csv", label) == asked(str(tmp_path / "a b.csv"), label) == []


def test_no_file_is_as_well(asked):
    assert asked() == []


@pytest.mark.parametrize(
    ("given", "label", "told"),
    [
        ("", "Blüte?", "dataset_label: 'Blüte.' needs dataset_csv, the file with this column"),
        ("none.csv", "", "dataset_csv: 'none.csv' is invalid: .*none.csv does not exist"),
        (".", "", "is a folder; name one file"),
        ("empty.csv", "", "empty.csv is empty"),
        ("a.csv", "blüte?", "dataset_label: 'blüte.' is invalid: .*did you mean 'Blüte.'"),
        ("a.csv", "Groesse in cm", "did you mean 'Größe in cm'"),
        ("a.csv", "ID", "did you mean 'id'"),
        ("a.csv", "weather", "a.csv has no such column; there are: id, Größe in cm, art, genau,"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(given, label, told, asked, tmp_path):
    flowers(tmp_path / "a.csv")
    (tmp_path / "empty.csv").touch()
    [problem] = asked(given, label)
    assert re.search(told, problem)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("customers.csv", "data/customers/span-1/customers.csv"),
        ("../Big Data (2).CSV", "data/big-data-2/span-1/big-data-2.csv"),
        ("/a/Größe.csv.gz", "data/groe/span-1/groe.csv.gz"),
        ("x.parquet", "data/x/span-1/x.parquet"),
        ("x.data", "data/x/span-1/x.csv"),
        ("客.csv", "data/own-data/span-1/own-data.csv"),
    ],
)
def test_the_place_in_the_project_is_plain_and_final(given, place):
    assert own_data.place(given) == own_data.place(place) == place


@TEMPLATE
@pytest.mark.parametrize("runs_on", ["local", "all"])
def test_nothing_of_the_sample_is_in_it(runs_on, cookiecutter, template, home, sh):
    source = flowers(home / "out" / "Blumen 1.csv", code="cp1252")
    wanted = ("project_name=Iris Demo", "dataset_csv=Blumen 1.csv", "dataset_label=Blüte?")
    cookiecutter(template, "--no-input", *wanted, f"runs_on={runs_on}")
    project = home / "out" / "iris-demo"
    copied = project / "data/blumen-1/span-1/blumen-1.csv"
    assert copied.read_bytes() == source.read_bytes()
    for name in ("data/taxi", *(f"configs/{name}" for name in WRITTEN_BY_INIT)):
        assert not (project / name).exists(), name
    for path, content in contents(project).items():
        if not path.startswith(("vendor/", "requirements/")):
            assert not SAMPLE.search(content.decode("utf-8", "replace")), path
    for page in project.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).exists() or link in WAITING, f"{page}: {link}"
    told = (project / "configs" / "init.txt").read_text()
    assert told == "--data=data/blumen-1\n--name=iris-demo\n--label=Blüte?\n"
    origin = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert origin["dataset_csv"] == "data/blumen-1/span-1/blumen-1.csv"
    ruff = [sys.executable, "-m", "ruff"]
    sh(*ruff, "check", "--no-cache", cwd=project)
    sh(*ruff, "format", "--check", "--no-cache", cwd=project)
    described = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert (
        described["description"]
        == "Iris Demo: a TFX pipeline that predicts Blüte? from blumen-1.csv"
    )

    page = (project / "README.md").read_text()
    assert "predicts `Blüte?` from `blumen-1.csv`" in page
    assert "head -n 4 data/blumen-1/span-1/blumen-1.csv >rows.csv" in page
    [request] = re.findall(r"<<'END'\n(.*?)\nEND\n", page, re.DOTALL)
    [row] = json.loads(request)["examples"]
    assert row == {"id": 0, "Größe in cm": 10, "art, genau": "nein"}


@TEMPLATE
def test_strange_names_come_through_as_they_are(cookiecutter, template, home):
    label = """ it's "7" $(reboot) @x \\"""
    written = label.replace('"', '""')
    name = "$(reboot) 'x'.csv"
    (home / "out" / name).write_text(f'a,"{written}"\n1,2\n')
    cookiecutter(template, "--no-input", f"dataset_csv={name}", f"dataset_label={label}")
    project = home / "out" / "my-tfx-pipeline"
    told = (project / "configs" / "init.txt").read_text().splitlines()
    assert told[-1] == f"--label={label}"
    assert (project / "data/reboot-x/span-1/reboot-x.csv").exists()


@TEMPLATE
def test_an_update_leaves_data_and_configuration_alone(copier, template, home, sh):
    source = flowers(home / "out" / "blumen.csv")
    project = home / "out" / "iris-demo"
    address, answer = f"git+file://{template}", "dataset_csv=blumen.csv"
    copier("copy", "--data", answer, "--data", "dataset_label=Blüte?", address, project)
    data = project / "data/blumen/span-1/blumen.csv"
    assert data.read_bytes() == source.read_bytes()
    (project / "configs" / "dataset.yaml").write_text("task: multiclass\n")
    with (project / "README.md").open("a") as page:
        page.write("\nMine.\n")
    sh("git", "init", "-q", cwd=project)
    commit(sh, project)
    source.unlink()  # an update does not need it
    with (template / "models" / "features.py").open("a") as module:
        module.write("\n# News.\n")
    commit(sh, template, "v0.2.1")

    copier("update", cwd=project)
    assert (project / "models" / "features.py").read_text().endswith("\n# News.\n")
    assert (project / "README.md").read_text().endswith("\nMine.\n")
    assert data.exists() and not (project / "data" / "taxi").exists()
    assert (project / "configs" / "dataset.yaml").read_text() == "task: multiclass\n"
    assert not (project / "configs" / "base.yaml").exists()


@TEMPLATE
def test_an_update_of_a_copier_made_project_adds_a_target(copier, template, home, sh):
    project = home / "out" / "iris"
    flowers(home / "out" / "iris.csv")
    wanted = ("project_name=Iris", "dataset_csv=iris.csv", "dataset_label=Blüte?")
    address = f"git+file://{template}"
    copier("copy", *(word for answer in wanted for word in ("--data", answer)), address, project)
    (home / "out" / "iris.csv").unlink()
    origin = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert origin["dataset_csv"] == "data/iris/span-1/iris.csv"
    assert "\ncurl " in (project / "README.md").read_text()
    sh("git", "init", "-q", cwd=project)
    commit(sh, project)

    copier("update", "--data", "runs_on=kubeflow", cwd=project)
    page = (project / "README.md").read_text()
    assert "<<<<<<<" not in page and "\ncurl " in page and "\n## On Kubeflow" in page
    origin = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert origin["dataset_csv"] == "data/iris/span-1/iris.csv"
    assert origin["runs_on"] == "kubeflow"


@TEMPLATE
@pytest.mark.timeout(1800)
def test_its_first_run_describes_the_data_and_pushes_a_model_and_kubeflow_runs_its_steps(
    cookiecutter, template, home, sh
):
    flowers(home / "out" / "Blumen.csv", code="cp1252")
    version = f"python_version={sys.version_info[0]}.{sys.version_info[1]}"
    wanted = ("project_name=Iris Demo", "dataset_csv=Blumen.csv", "dataset_label=Blüte?", version)
    cookiecutter(template, "--no-input", *wanted, "runs_on=kubeflow")
    project = home / "out" / "iris-demo"
    # Packages that are on this machine need not come again; nothing of this environment is its own.
    kept = ["env", "-u", "PYTHONPATH", "-u", "PYTHON", f"HOME={Path.home()}"]
    blank = (project / "README.md").read_text()
    begun = sh(*kept, "make", "run", "ARGS=--config fast --to ExampleGen", cwd=project)
    assert "Blüte?. The label you named." in begun.stdout
    described = (project / "configs" / "dataset.yaml").read_text()
    assert "task: multiclass" in described
    # Its tests push a model too, which is not the one that the README describes.
    sh(*kept, "make", "test", cwd=project)
    assert (project / "README.md").read_text() == blank

    again = sh(*kept, "make", "run", cwd=project)
    assert "The label you named." not in again.stdout
    assert (project / "configs" / "dataset.yaml").read_text() == described
    summary = json.loads((project / "outputs/iris-demo/runs/latest/summary.json").read_text())
    assert summary["status"] == "pushed"
    page = (project / "README.md").read_text()
    begin, end = blank.split("<!-- end of model -->")
    assert page.startswith(begin) and page.endswith(end)
    assert "Multiclass classification of `Blüte?` from 2 columns" in page
    assert f"{summary['metrics']['accuracy']:.4f}"[:5] in page

    # The commands of the README, as they stand there.
    [predict] = re.findall(r"```sh\n(head .*?)iris-demo serve", page, re.DOTALL)
    told = sh(*kept, "sh", "-ec", f". .venv/bin/activate\n{predict}", cwd=project).stdout
    assert len(told.splitlines()) == 4

    run_a_step_of_kubeflow(project, home / "cluster", kept)
    shutil.rmtree(project / ".venv")  # gigabytes that pytest would keep


def run_a_step_of_kubeflow(project: Path, folder: Path, environment: list[str]) -> None:
    """Compiles with the project's own packages, and runs the first step with them.

    Whole runs of compiled projects are those of tests/kubeflow/test_pushed_model.py.
    """
    from tests.kubeflow.test_entrypoint import RUN, Step
    from tfxkit.kubeflow.package import read_package

    python, package = project / ".venv" / "bin" / "python", folder / "package.yaml"
    folder.mkdir()
    options = ("--target", "kubeflow", "--config", "kubeflow", "--config", "fast", "-o", package)
    command = [*environment, python, "-m", "pipeline", "compile", *options]
    subprocess.run(command, cwd=project, check=True)
    step = Step(read_package(package), "ExampleGen", folder, RUN)
    step.parameters.update(input_base=str(project / "data" / "blumen"))
    variables = {**step.env, "KFP_POD_NAME": "pod", "PIPELINE_LAUNCHER_ROOT": folder}
    command = [*environment, *(f"{name}={value}" for name, value in variables.items())]
    command += [python, *step.container["command"][1:], *step.arguments(step.container)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [examples] = step.output()["artifacts"]["examples"]["artifacts"]
    assert examples["metadata"]["spans"] == "[1]"
    assert list((step.folder / "examples" / "Split-train").glob("*.gz"))

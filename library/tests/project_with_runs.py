"""A small project with one finished run, given to each test as it was after that run: fixtures."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import shutil
from pathlib import Path

import pytest

from tests.sample_project import CONFIGS, DATA
from tfxkit import cli
from tfxkit.config.loading import load
from tfxkit.runs import summary
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import State, Summary

NAME = load(CONFIGS, ["fast"], ()).pipeline
ROWS_PER_SPAN = 400
# After a push these look at another baseline.
AFTER_A_PUSH = {"Baseline", "DataGate", "Evaluator", "Pusher"}
# As they run.
ORDER = [
    "ExampleGen", "ImportSchemaGen", "Baseline", "StatisticsGen", "ExampleValidator", "DataGate",
    "Transform", "Trainer", "Evaluator", "ServingCheck", "Pusher",
]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Project:
    """A folder with configs, a small data set, and the outputs of its runs."""

    root: Path

    @property
    def configs(self) -> Path:
        return self.root / "configs"

    @property
    def outputs(self) -> Outputs:
        return Outputs(self.root / "outputs" / NAME)

    def arguments(self, subcommand: str, *args: str) -> list[str]:
        return [subcommand, *args, "--config", "fast", "--config-dir", str(self.configs)]

    def pipeline(self, subcommand: str, *args: str) -> int:
        """Runs a subcommand in this process and returns its exit code."""
        return cli.main(self.arguments(subcommand, *args))

    def latest(self) -> Summary:
        return summary.read(self.outputs.runs / "latest")

    def report(self) -> str:
        """The page of the newest run; each of its parts could be made."""
        page = (self.outputs.runs / "latest" / "report.html").read_text()
        assert "could not be made" not in page
        return page

    def states(self) -> dict[str, State]:
        return {step.name: step.state for step in self.latest().steps}

    def ran(self) -> set[str]:
        return {name for name, state in self.states().items() if state == State.RUN}

    def served(self) -> list[str]:
        """All that lies in the serving folder, hidden left-overs included."""
        folder = self.outputs.serving
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        return sorted(names - {".push.lock"})

    def span(self, number: int) -> Path:
        return next((self.root / "data" / "taxi" / f"span-{number}").glob("*.csv"))

    def copy_rows(self, span: int, target: Path, rows: int) -> None:
        copy_rows(self.span(span), target, rows)


def copy_rows(source: Path, target: Path, rows: int) -> None:
    """Copies the header and the first rows of a CSV file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open(newline="") as read, target.open("w", newline="") as write:
        csv.writer(write).writerows(itertools.islice(csv.reader(read), rows + 1))


def make_project(root: Path) -> Project:
    shutil.copytree(CONFIGS, root / "configs")
    for span in sorted(DATA.glob("span-*/*.csv")):
        copy_rows(span, root / "data" / "taxi" / span.parent.name / span.name, ROWS_PER_SPAN)
    return Project(root)


def put_back(project: Project, saved: Path) -> Project:
    """Makes a project what it was when it was saved, whatever a test has done to it since."""
    shutil.rmtree(project.root)
    shutil.copytree(saved, project.root, symlinks=True)
    return project


@pytest.fixture(scope="session")
def after_first_run(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("project"))
    assert project.pipeline("run") == 0, (project.outputs.runs / "latest" / "run.log").read_text()
    saved = tmp_path_factory.mktemp("saved") / "project"
    shutil.copytree(project.root, saved, symlinks=True)
    return project, saved


@pytest.fixture
def project(after_first_run) -> Project:
    """The project as it was after its first run: artifacts have absolute paths, so in its place."""
    return put_back(*after_first_run)


@pytest.fixture
def fresh_project(tmp_path) -> Project:
    """A project without any run."""
    return make_project(tmp_path)

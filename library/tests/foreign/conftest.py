"""A project whose owner changed what the docs invite to change, run once: fixtures.

`project/` holds the owner's files, written as the docs say and with no look at the library. They
are laid over a copy of the code, so that nothing in this repository is touched. The DAG is the
shipped one with a few more lines (`own_steps.py`).
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.foreign.own_steps import add_steps
from tests.foreign.trips_database import write_database
from tests.preloaded import Forked, preloaded
from tests.project_with_runs import NAME, make_project
from tests.sample_project import LIBRARY, copy_with_code
from tfxkit.runs import summary
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Summary

OWN_FILES = Path(__file__).with_name("project")
OVERLAYS = ("fast", "source")


@dataclasses.dataclass(frozen=True)
class ForeignProject:
    """A folder with code, configuration and data of its own.

    Attributes:
        root: The folder.
        forked: Runs a subcommand in it without the imports of a new process, if there is one.
    """

    root: Path
    forked: Forked | None = None

    @property
    def outputs(self) -> Outputs:
        return Outputs(self.root / "outputs" / NAME)

    @property
    def selection(self) -> list[str]:
        """The configuration on the command line."""
        return [word for overlay in OVERLAYS for word in ("--config", overlay)]

    def environment(self, *packages: Path) -> dict[str, str]:
        """Variables of a process with the project's own packages, and others after them."""
        path = os.pathsep.join(map(str, (self.root, *packages)))
        return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}

    def python(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Runs Python in the project's folder, with the project's own packages."""
        return subprocess.run(
            [sys.executable, *args],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def pipeline(self, subcommand: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Runs a subcommand with the configuration `fast`, on the rows of a database."""
        return self._run([subcommand, *args, *self.selection])

    def subcommands(self, *commands: Sequence[str]) -> list[tuple[int, str]]:
        """Exit code and standard error of subcommands, one after the other."""
        return [(done.returncode, done.stderr) for done in map(self._run, commands)]

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        if self.forked:
            return self.forked("tfxkit.cli", arguments)
        return self.python("-m", "pipeline", *arguments)

    def latest(self) -> Summary:
        return summary.read(self.outputs.runs / "latest")

    def report(self) -> str:
        """The page of the newest run; each of its parts could be made."""
        page = (self.outputs.runs / "latest" / "report.html").read_text()
        assert "could not be made" not in page
        return page


def make_foreign_project(root: Path) -> ForeignProject:
    copy_with_code(root)
    shutil.rmtree(root / "configs")
    make_project(root)
    _use_own_dag(root / "configs" / "base.yaml")
    shutil.copytree(OWN_FILES, root, dirs_exist_ok=True)
    add_steps(root / "pipeline")
    write_database(root)
    return ForeignProject(root)


def _use_own_dag(base: Path) -> None:
    """Takes out the line by which the project of the tests runs the DAG of the tests."""
    lines = base.read_text().splitlines(keepends=True)
    base.write_text("".join(line for line in lines if not line.startswith("dag:")))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory) -> Iterator[ForeignProject]:
    """The project after its first run."""
    project = make_foreign_project(tmp_path_factory.mktemp("foreign"))
    screens = tmp_path_factory.mktemp("screens")
    with preloaded(screens, project.root, project.environment(LIBRARY)) as forked:
        project = dataclasses.replace(project, forked=forked)
        done = project.pipeline("run")
        assert done.returncode == 0, done.stdout + done.stderr
        yield project


@pytest.fixture(scope="session")
def lineage(foreign) -> str:
    """The screen of `lineage` after that run."""
    return foreign.pipeline("lineage").stdout

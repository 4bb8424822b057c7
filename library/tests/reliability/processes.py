"""Runs of a project as processes of their own, which may be killed."""

from __future__ import annotations

import subprocess
import sys

from tests.project_with_runs import Project
from tests.sample_project import ROOT

DEADLINE_S = 300

Ended = subprocess.CompletedProcess[str]


def with_trouble(project: Project, step: str, what: str, subcommand: str, *args: str) -> Ended:
    """With something happening in a step: see `in_step`."""
    return start("tests.reliability.in_step", step, what, *project.arguments(subcommand, *args))


def start(module: str, *arguments: str) -> Ended:
    """Runs a module to its end, from the root of this repository."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )

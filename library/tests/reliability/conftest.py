"""The project that bad things happen to, and the table that says how each of them ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project_with_runs import Project, put_back
from tests.reliability import aftermath

EXPECTED, GOT = "expected", "got"
FOLDER = Path(__file__).parent
Record = Callable[[str, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.reliability)


@pytest.fixture(scope="session")
def after_settling(after_first_run, tmp_path_factory) -> tuple[Project, Path]:
    """After a second run, which compares the pushed model with itself: a third runs Pusher only."""
    project = put_back(*after_first_run)
    assert project.pipeline("run") == 0
    aftermath.assert_loadable(project.outputs)
    saved = tmp_path_factory.mktemp("settled") / "project"
    shutil.copytree(project.root, saved, symlinks=True)
    return project, saved


@pytest.fixture
def settled(after_settling) -> Project:
    """A project whose next run has nothing to do, as it was before whatever another test did."""
    return put_back(*after_settling)


@pytest.fixture
def row(record_property) -> Record:
    """Takes what is expected of a case, and then what came of it, for the table."""

    def record(expected: str, got: str) -> None:
        record_property(EXPECTED, expected)
        record_property(GOT, got)

    return record


def pytest_terminal_summary(terminalreporter) -> None:
    """The table: case, expected, got."""
    rows = []
    for outcome in ("passed", "failed", "skipped", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            if not report.nodeid.startswith("tests/reliability/"):
                continue
            case = report.nodeid.removeprefix("tests/reliability/test_").replace(".py::test_", ": ")
            said = dict(report.user_properties)
            got = said.get(GOT, "")
            rows.append(
                (
                    case,
                    said.get(EXPECTED, ""),
                    got if outcome == "passed" else f"{outcome.upper()} {got}",
                )
            )
    if not rows:
        return
    terminalreporter.section("case | expected | got")
    for line in sorted(rows):
        terminalreporter.write_line(" | ".join(line))

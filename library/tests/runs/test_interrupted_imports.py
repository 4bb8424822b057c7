"""A signal while modules are imported at the start of a run: one line, and nothing left behind."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.slow
NUMBERS = ("SIGINT", "SIGTERM")
RUN = ("run", "--set", "dag=tests.runs.signalled_dag", "--set", "pipeline=announce")


@pytest.fixture
def signalled(monkeypatch):
    def prepare(number: str, then: str) -> None:
        monkeypatch.setenv("SIGNALLED_DAG", f"{number} {then}")
        monkeypatch.delitem(sys.modules, "tests.runs.signalled_dag", raising=False)

    return prepare


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("then", ["raised", "turned into a KeyError"])
def test_it_ends_with_one_line_and_no_run(number, then, signalled, fresh_project, capfd):
    signalled(number, then)
    assert fresh_project.pipeline(*RUN) == 130
    assert capfd.readouterr() == ("", "Interrupted.\n")
    assert list(fresh_project.outputs.runs.parent.parent.rglob("runs/*")) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_what_swallows_it_delays_the_end_until_the_first_step(
    number, signalled, fresh_project, capfd
):
    signalled(number, "swallowed")
    assert fresh_project.pipeline(*RUN) == 130
    out, err = capfd.readouterr()
    assert out.startswith("· Announce                         skipped\n\nInterrupted (")
    assert "Resume with: python -m pipeline resume" in out
    assert "Traceback" not in out + err and "Error" not in out + err

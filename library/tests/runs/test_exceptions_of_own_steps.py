"""An exception in a project's own step, as the screen shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FILE = "library/tests/runs/failing_steps.py"


NO_SUCH_NAME = """\
NameError: name 'flie' is not defined
{file}, line {line}, in Announce: with open(flie, "a"):  # noqa: F821
Full log: """
NO_SUCH_CUSTOMER = """\
LookupError: no such customer
{file}, line {line}, in Do: raise LookupError("no such customer")
Full log: """


@pytest.mark.parametrize(
    ("step", "shown"), [("announce", NO_SUCH_NAME), ("lookup", NO_SUCH_CUSTOMER)]
)
def test_it_has_the_line_of_the_owners_code(step, shown, fresh_project, capfd):
    settings = ("--set", "dag=tests.runs.failing_steps", "--set", f"pipeline={step}")
    assert fresh_project.pipeline("run", *settings) == 1
    source = shown.splitlines()[1].partition(": ")[2]
    lines = Path(__file__).with_name("failing_steps.py").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.strip() == source)
    out, err = capfd.readouterr()
    assert shown.format(file=FILE, line=line) in out
    assert "Traceback" not in out + err

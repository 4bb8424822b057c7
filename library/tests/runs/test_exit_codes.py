"""Ends of a run: exit code, message, what is served. For bad days, see tests/reliability."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfxkit.runs.summary import State, Status

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


def test_0_as_a_process_without_a_terminal(project):
    command = [sys.executable, "-m", "pipeline", *project.arguments("run")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "This model is the one being served" in result.stdout
    lines = result.stdout.splitlines()
    for step, line in zip(project.latest().steps, lines, strict=False):
        assert line.split()[1] == step.name and f"{step.seconds:.1f} s" in line
    assert result.stderr == "" and "\x1b" not in result.stdout
    assert len(lines) < 35  # no library noise
    assert lines[-1].startswith("Report: ") and lines[-1].endswith("/report.html")
    assert "Already served</h1>" in project.report()


def test_0_in_a_terminal_shows_steps_and_no_library_noise(project):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipeline", *project.arguments("run")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(ours, 4096):
            shown += part
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "▸  starting" in text and "▸  Evaluator" in text  # live, while they ran
    assert "This model is the one being served" in text
    assert "INFO:" not in text and "WARNING:" not in text


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_2_a_step_that_does_not_exist(project, option, capfd):
    runs = list(project.outputs.runs.iterdir())
    assert project.pipeline("run", option, "Trainr") == 2
    assert "There is no step 'Trainr'; the steps are: ExampleGen" in capfd.readouterr().err
    assert list(project.outputs.runs.iterdir()) == runs


def test_3_a_model_that_is_not_good_enough(project, capfd):
    served = project.served()
    assert project.pipeline("run", "--set", "dataset.evaluation.thresholds.auc.min=0.9999") == 3
    summary = project.latest()
    assert (summary.status, summary.blessed, summary.pushed_path) == (
        Status.NOT_BLESSED,
        False,
        None,
    )
    assert [check.name for check in summary.thresholds if not check.passed] == ["auc: min"]
    assert "Not approved, not pushed" in project.report() and "below 0.9999" in project.report()
    assert project.served() == served
    assert "auc" in capfd.readouterr().out


def test_4_data_that_cannot_be_read(project, capfd):
    project.span(2).write_text("only one column\n1\n2\n")
    assert project.pipeline("run") == 4
    out = capfd.readouterr().out
    assert "span-2" in out and "Traceback" not in out


def test_a_part_of_the_pipeline(project):
    assert project.pipeline("run", "--to", "Transform") == 0
    assert project.latest().status == Status.DONE
    assert project.states()["Trainer"] == State.SKIPPED
    assert project.pipeline("run", "--from", "Trainer") == 0
    assert project.latest().status == Status.ALREADY_SERVED
    assert project.states()["Trainer"] == State.CACHED


def test_a_part_without_what_comes_before(fresh_project, capfd):
    assert fresh_project.pipeline("run", "--from", "Trainer") == 2
    assert "no run has all the steps before it" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("dataset.evaluation.thresholds.aucc.min=0.5", "aucc"),
        (
            "dataset.columns.far.role=numeric",
            "'far', which schema.pbtxt does not have; did you mean",
        ),
        ("data.split_by=compani", "data.split_by names the column 'compani', which schema.pbtxt"),
        ("data.split_by=fare", "'fare' is FLOAT in schema.pbtxt"),
        (
            "data.split_at={column: day, bounds: {eval: 1}}",
            "split_at.column names the column 'day'",
        ),
        (
            "data.split_at={column: company, bounds: {eval: 1}}",
            "the bounds as text, in quotes",
        ),
        ("data.split_at={column: fare, bounds: {eval: 2016-01-01}}", "write the bounds as numbers"),
        ("data.path=nowhere", "no folder"),
        ("bulk_inferrer.enabled=true", "enabled needs a path"),
        ("data.splits={train: 1, eval: 1, a/b: 1}", "data.splits"),
        ("outputs=/proc/nowhere", "Cannot write to /proc/nowhere"),
    ],
)
def test_2_a_configuration_that_cannot_be_run(project, setting, told, capfd):
    runs = sorted(project.outputs.runs.iterdir())
    assert project.pipeline("run", "--set", setting) == 2
    err = capfd.readouterr().err
    assert told in err and len(err.splitlines()) < 10
    assert sorted(project.outputs.runs.iterdir()) == runs


def test_2_a_broken_schema(project, capfd):
    (project.configs / "schema.pbtxt").write_text("feature {")
    assert project.pipeline("run") == 2
    assert "schema.pbtxt is not a valid schema" in capfd.readouterr().err

"""Optional steps taken out of the DAG: the rest goes on, and says nothing of them."""

from __future__ import annotations

import re

import pytest

from tests import dag_edits
from tests.project_with_runs import ORDER
from tfxkit.runs.summary import State, Status

pytestmark = pytest.mark.slow


def test_a_pipeline_without_any_of_them_runs_and_is_shown(fresh_project, monkeypatch, capfd):
    project = fresh_project
    dag = ("--set", f"dag={dag_edits.without(monkeypatch, *dag_edits.OPTIONAL)}")
    left = [step for step in ORDER if step not in dag_edits.OPTIONAL.values()]

    assert project.pipeline("run", *dag) == 0
    summary = project.latest()
    assert project.states() == dict.fromkeys(left, State.RUN)
    assert (summary.status, summary.blessed) == (Status.PUSHED, True)
    assert (summary.baseline, summary.serving_check, summary.data_gate) == (None, None, ())
    page = project.report()
    assert f"Pushed as version {project.served()[0]}" in page
    absent = "data gate|serving check|No drift to measure|departs from the schema|compare with"
    assert not re.search(absent, page)
    screen = capfd.readouterr().out
    assert "Approved and pushed" in screen and not re.search("serving check|compare with", screen)

    # The same model again: what was served before is nothing that the run has looked at.
    assert project.pipeline("run", *dag) == 0
    assert (project.latest().status, project.ran()) == (Status.ALREADY_SERVED, {"Pusher"})
    assert project.pipeline("report", "--no-open", "--compare", summary.run_id, "latest") == 0
    for subcommand in ("show", "runs", "lineage"):
        assert project.pipeline(subcommand) == 0
    shown = capfd.readouterr().out
    assert "This model is the one being served" in shown and "pushed by Pusher" in shown
    assert project.pipeline("predict", str(project.span(4))) == 0
    assert project.pipeline("resume", *dag) == 0
    assert project.pipeline("clean", "--keep", "1", "--yes") == 0

    # Nothing is pushed by a pipeline without a Pusher, and nothing is missing from its end.
    dag = ("--set", f"dag={dag_edits.without(monkeypatch, *dag_edits.OPTIONAL, 'pusher')}")
    assert project.pipeline("run", *dag, "--set", "train.seed=5") == 0
    assert (project.latest().status, project.latest().pushed_path) == (Status.DONE, None)
    assert "All steps done" in capfd.readouterr().out
    assert "All steps done" in project.report()


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (("serving_check = ", "check = "), "NameError: name 'serving_check' is not defined"),
        (("[evaluator, serving_check,", "[evaluator,"), "builds ServingCheck and does not return"),
        (('outputs["anomalies"]', 'outputs["anomaly"]'), "KeyError: "),
        (("num_examples=", "examples_="), "TypeError: ServingCheck.__init__() got an unexpected"),
    ],
)
def test_a_mistake_in_the_dag_is_told_with_its_line(edit, told, fresh_project, monkeypatch, capfd):
    source = (dag_edits.SAMPLE / "dag.py").read_text()
    assert edit[0] in source
    dag = dag_edits.with_code(monkeypatch, source.replace(*edit))
    assert fresh_project.pipeline("run", "--set", f"dag={dag}") == 2
    error = capfd.readouterr().err
    assert "tests/edited_dag.py" in error and told in error
    assert not list(fresh_project.outputs.runs.glob("*/summary.json"))

"""The words for how a run ended: of every run, the same on terminal and page."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.pipeline.report.bare_run import bare_run
from tfxkit.report.verdict import build_verdict
from tfxkit.runs.outcome import KILLED, OUTCOMES, STEPS, label_of
from tfxkit.runs.summary import State, Status, Step
from tfxkit.runs.terminal import print_result


def screen(run) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_result(console, run.summary, run.outputs)
    return console.file.getvalue()


@pytest.mark.parametrize("status", Status)
def test_terminal_and_report_give_the_same_answer(status, tmp_path):
    run = bare_run(tmp_path, status, error="Line one\nline two", arguments={"to": "Trainer"})
    assert OUTCOMES[status].headline in screen(run)
    assert build_verdict(run).headline == OUTCOMES[status].headline
    assert label_of(run.outputs, run.summary) in (OUTCOMES[status].label, KILLED)


def test_a_run_without_a_push_to_come_is_done_with_all_its_steps(tmp_path):
    run = bare_run(tmp_path, Status.DONE, arguments={"from": None, "to": None})
    assert "All steps done" in screen(run)
    assert build_verdict(run).headline == "All steps done"


def test_every_state_of_a_step_has_a_word():
    assert STEPS.keys() == set(State)


def test_a_failure_after_the_push_does_not_call_the_served_model_unchanged(tmp_path):
    steps = (Step(name="BulkInferrer", state=State.FAILED, seconds=1),)
    for pushed_path, told in (("/serving/3", "had been pushed"), (None, "stays the same")):
        run = bare_run(tmp_path, Status.FAILED, steps=steps, pushed_path=pushed_path)
        assert told in screen(run)
        sentence = build_verdict(run).sentence
        assert sentence.startswith("BulkInferrer failed. ") and told in sentence

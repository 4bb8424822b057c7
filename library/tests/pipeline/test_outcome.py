"""The outcome of a run: the same words on terminal and page; status, advice and next command."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.pipeline.report.bare_run import bare_run
from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import DataError, StorageError
from tfxkit.evaluation import Leak
from tfxkit.report.verdict import build_verdict
from tfxkit.runs.outcome import KILLED, OUTCOMES, STEPS, explain, label_of, last_words
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import State, Status, Step
from tfxkit.runs.terminal import print_result

OUTPUTS = Outputs(Path("/outputs/taxi"), ConfigSelection(("fast",)))
LOG = Path("/outputs/taxi/runs/1/run.log")
RESUME = "resume: python -m pipeline resume --config fast"


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


PART = Leak("registered", 0.9781, accepted=True)


@pytest.mark.parametrize(
    ("leaks", "words"),
    [
        ((PART,), "registered alone determining 97.8% of the label, as accepted"),
        (
            (dataclasses.replace(PART, accepted=False),),
            "registered alone determining 97.8% of the label",
        ),
        (
            (PART, Leak("casual", 0.99, accepted=True)),
            "2 columns each determining 97.8% of the label or more, as accepted",
        ),
    ],
)
@pytest.mark.parametrize("status", [Status.PUSHED, Status.ALREADY_SERVED])
def test_a_model_that_learned_from_a_leak_is_not_simply_approved(leaks, words, status, tmp_path):
    run = bare_run(tmp_path, status, leaks=leaks)
    verdict = build_verdict(run)
    assert verdict.headline == f"{OUTCOMES[status].headline}, with {words}"
    assert verdict.tone == "plain"
    assert verdict.headline in " ".join(screen(run).split())


def test_every_state_of_a_step_has_a_word():
    assert STEPS.keys() == set(State)


def test_a_failure_after_the_push_does_not_call_the_served_model_unchanged(tmp_path):
    steps = (Step(name="BulkInferrer", state=State.FAILED, seconds=1),)
    for pushed_path, told in (("/serving/3", "had been pushed"), (None, "stays the same")):
        run = bare_run(tmp_path, Status.FAILED, steps=steps, pushed_path=pushed_path)
        assert told in screen(run)
        sentence = build_verdict(run).sentence
        assert sentence.startswith("BulkInferrer failed. ") and told in sentence


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "parts"),
    [
        (ValueError("odd\nmore"), Status.FAILED, ["ValueError: odd\n", f"Full log: {LOG}"]),
        (OSError("No space left on device"), Status.FAILED, ["The disk is full.", RESUME]),
        (
            caused_by(StorageError("metadata.sqlite"), RuntimeError("database is locked")),
            Status.FAILED,
            ["Another process holds metadata.sqlite.", RESUME],
        ),
        (StorageError("s3://bucket refuses"), Status.FAILED, ["s3://bucket refuses"]),
        (
            caused_by(RuntimeError("worker"), DataError("See: python -m pipeline schema diff")),
            Status.STOPPED,
            ["See: python -m pipeline schema diff --config fast"],
        ),
        (
            DataError("Accept: python -m pipeline schema accept   writes it there"),
            Status.STOPPED,
            ["Accept: python -m pipeline schema accept --config fast   writes it there"],
        ),
        (
            DataError("See: python -m pipeline config show. Or: python -m pipeline config schema"),
            Status.STOPPED,
            ["config show --config fast. Or: python -m pipeline config schema --config fast"],
        ),
        (
            DataError("Do: python -m pipeline run --no-cache"),
            Status.STOPPED,
            ["Do: python -m pipeline run --config fast --no-cache"],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_the_message_has_the_reason_and_the_command(error, status, parts):
    found, message = explain(error, OUTPUTS, LOG)
    assert found == status
    assert all(part in message for part in parts), message


def raises():
    {}["fare"]


def test_the_line_of_the_owners_code_follows_the_reason():
    with pytest.raises(KeyError) as caught:
        raises()
    line = raises.__code__.co_firstlineno + 1
    place = f'library/tests/pipeline/test_outcome.py, line {line}, in raises: {{}}["fare"]'
    assert explain(caught.value, OUTPUTS, LOG) == (
        Status.FAILED,
        f"KeyError: 'fare'\n{place}\nFull log: {LOG}",
    )


@pytest.mark.parametrize(
    ("end", "advice"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'", "Memory ran out."),
        ("epoch 3 of 5", None),
    ],
)
def test_the_end_of_a_log_gives_the_reason_for_a_killed_run(end, advice, tmp_path):
    log = tmp_path / "run.log"
    log.write_text("No space left on device\n" + "x" * 30_000 + f"\n{end}\n")
    found = last_words(log, OUTPUTS)
    assert found is None if advice is None else found.startswith(advice)
    assert last_words(tmp_path / "no.log", OUTPUTS) is None

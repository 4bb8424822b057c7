"""SIGTERM during every step, one after the other: a clean stop that says how to go on.

One project goes through all of it, in the order of the tests. Then Ctrl-C as a user presses it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.project_with_runs import AFTER_A_PUSH, ORDER, make_project
from tests.reliability import aftermath
from tests.reliability.in_step import signalled
from tests.reliability.processes import DEADLINE_S
from tests.sample_project import ROOT
from tfxkit.runs import runner, summary
from tfxkit.runs.summary import State, Status


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("stopped"))


@pytest.mark.parametrize("step", ORDER)
def test_sigterm_during(step, victim, row, capfd):
    served = aftermath.served(victim.outputs)
    with signalled(step, signal.SIGTERM):
        code = victim.pipeline("resume" if victim.outputs.runs.exists() else "run")
    out, err = capfd.readouterr()
    states = victim.states()
    done = ORDER[: ORDER.index(step)]
    again = [name for name in done[:-1] if states[name] != State.CACHED]
    row(
        "130 Interrupted … python -m pipeline resume; no finished step again",
        f"{code} {out.splitlines()[-2]}; finished steps run again: {len(again)}",
    )
    assert code == 130, out + err
    assert "python -m pipeline resume" in out and "Traceback" not in out + err
    assert victim.latest().status == Status.INTERRUPTED
    assert again == []
    assert states[step] in (State.INTERRUPTED, State.RUN)  # it may end before the signal is seen
    assert {states[name] for name in ORDER[ORDER.index(step) + 1 :]} <= {State.SKIPPED}
    aftermath.assert_unharmed(victim.outputs, served)


def test_the_last_resume_ends_well(victim, row):
    code = victim.pipeline("resume")
    row("0, only what looks at the push runs", f"{code} {sorted(victim.ran())}")
    assert code == 0
    assert victim.ran() == AFTER_A_PUSH  # the signal came between the push and its record
    assert len(aftermath.served(victim.outputs)) == 1
    aftermath.assert_nothing_left_over(victim.outputs)
    aftermath.assert_loadable(victim.outputs)


def test_ctrl_c_as_a_user_presses_it(settled, row):
    before = aftermath.served(settled.outputs)
    arguments = settled.arguments("run", "--set", "train.seed=9")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_for(settled.outputs.runs / "latest", process, "Transform")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)
    row("130 … python -m pipeline resume", f"{process.returncode} {out.splitlines()[-2]}")
    assert process.returncode == 130
    assert "python -m pipeline resume" in out
    assert "Traceback" not in out + err
    assert settled.latest().status == Status.INTERRUPTED
    page = settled.report()
    assert "Interrupted</h1>" in page and "Resume with: python -m pipeline resume" in page
    aftermath.assert_unharmed(settled.outputs, before)
    assert settled.pipeline("resume") == 0
    assert settled.latest().config["train"]["seed"] == 9
    assert settled.latest().status == Status.PUSHED
    aftermath.assert_unharmed(settled.outputs, before)


def _wait_for(latest, process, step: str) -> None:
    """Until a step has ended in a run that began after this call."""
    old, deadline = os.readlink(latest), time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        if os.readlink(latest) == old:
            continue
        with contextlib.suppress(FileNotFoundError):  # a run has its folder before its summary
            if step in {ended.name for ended in summary.read(latest).steps}:
                return
    raise AssertionError(f"{step} was never reached")


def test_a_signal_that_a_library_swallows_ends_the_run_before_the_next_step(
    settled, monkeypatch, row
):
    launch = runner.launch_step

    def swallow(node, *args) -> None:
        launch(node, *args)
        if node.node_info.id == "ImportSchemaGen":
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(runner, "launch_step", swallow)
    code = settled.pipeline("run")
    row("130", str(code))
    assert code == 130
    states = [settled.states()[name] for name in ORDER]
    assert states == [State.CACHED] * 2 + [State.SKIPPED] * (len(ORDER) - 2)

"""SIGKILL during every step, one after the other: each resume goes on where the last one died.

One project goes through all of it, in the order of the tests.
"""

from __future__ import annotations

import pytest

from tests.preloaded import preloaded
from tests.project_with_runs import AFTER_A_PUSH, ORDER, make_project
from tests.reliability import aftermath
from tests.sample_project import ROOT
from tfxkit.runs.outcome import KILLED, label_of
from tfxkit.runs.summary import State, Status

MOMENTS = [(step, "SIGKILL") for step in ORDER]
MOMENTS.insert(-1, ("Pusher", "half-pushed"))


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def with_trouble(tmp_path_factory):
    """A step, what happens in it, and the subcommand."""
    with preloaded(tmp_path_factory.mktemp("preloaded"), ROOT) as forked:
        yield lambda *arguments: forked("tests.reliability.in_step", arguments)


@pytest.mark.parametrize(("step", "what"), MOMENTS, ids=[f"{s} {w}" for s, w in MOMENTS])
def test_a_kill_during(step, what, victim, with_trouble, row):
    served = aftermath.served(victim.outputs)
    first = not victim.outputs.runs.exists()
    killed = with_trouble(step, what, *victim.arguments("run" if first else "resume"))
    states = victim.states()
    done = ORDER[: ORDER.index(step)]
    again = [name for name in done[:-1] if states[name] != State.CACHED]
    row(
        "killed; no finished step again",
        f"{killed.returncode}; finished steps run again: {len(again)}",
    )
    assert killed.returncode == -9, killed.stdout + killed.stderr
    assert label_of(victim.outputs, victim.latest()) == KILLED
    assert list(states) == done
    assert again == []
    assert first or f"({KILLED})" in killed.stdout
    aftermath.assert_unharmed(victim.outputs, served)
    if what == "half-pushed":
        assert [name for name in victim.served() if name.startswith(".")]  # it was half-way indeed


def test_the_last_resume_ends_well(victim, row):
    code = victim.pipeline("resume")
    row("0 already_served, only what looks at the push runs", f"{code} {sorted(victim.ran())}")
    assert code == 0
    # Killed between the push and its record: the version is whole, and is not pushed again.
    assert victim.latest().status == Status.ALREADY_SERVED
    assert victim.ran() == AFTER_A_PUSH
    assert len(aftermath.served(victim.outputs)) == 1
    aftermath.assert_unharmed(victim.outputs, {})
    aftermath.assert_nothing_left_over(victim.outputs)
    aftermath.assert_loadable(victim.outputs)

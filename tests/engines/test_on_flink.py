"""The pipeline on a Flink cluster: it pushes a model, and a loss there is no harm."""

from __future__ import annotations

import pytest

from pipeline.summary import State
from tests.engines import artifacts
from tests.engines.conftest import RunOnEngine
from tests.engines.flink import TASK_MANAGERS
from tests.engines.processes import wait_for
from tests.project_with_runs import ORDER, make_project

pytestmark = pytest.mark.engines

BEAM_STEPS = ["ExampleGen", "StatisticsGen", "Transform", "Evaluator"]


@pytest.fixture(scope="module")
def on_flink(flink, tmp_path_factory):
    return RunOnEngine(make_project(tmp_path_factory.mktemp("on-flink")), "flink", flink)


@pytest.fixture(scope="module")
def jobs_before(flink):
    """Other modules have the same cluster."""
    return _names(flink.jobs())


@pytest.fixture(scope="module")
def first_run(jobs_before, on_flink):
    code, screen = on_flink.run()
    assert code == 0, screen
    return on_flink


def test_it_pushes_a_model(first_run, jobs_before, flink):
    assert first_run.project.states() == dict.fromkeys(ORDER, State.RUN)
    assert len(first_run.project.served()) == 1
    jobs = [job for job in flink.jobs() if job["jid"] not in jobs_before]
    assert [job["state"] for job in jobs] == ["FINISHED"] * len(BEAM_STEPS)
    used = [flink.task_managers_of(job["jid"]) for job in jobs]
    assert all(len(names) == len(TASK_MANAGERS) for names in used), used


def test_what_comes_out_is_what_comes_out_without_an_engine(first_run, project):
    artifacts.assert_same_examples(project, first_run.project)
    artifacts.assert_same_statistics(project, first_run.project)
    artifacts.assert_same_vocabularies(project, first_run.project)
    artifacts.assert_same_features(project, first_run.project)


def test_a_task_manager_that_is_killed_during_transform_does_not_end_the_run(first_run, flink):
    before = _names(flink.jobs())
    run = first_run.start("dataset.columns.company.vocabulary_size=20")
    wait_for(lambda: _tasks_done(flink, before) >= 8, "the job of Transform", 900)
    flink.processes.kill(TASK_MANAGERS[0])
    flink.start_task_manager(TASK_MANAGERS[0])  # as whatever watches over it would
    screen = run.communicate()[0]

    assert run.returncode == 0, screen
    assert first_run.project.ran() >= {"Transform", "Trainer", "Evaluator", "Pusher"}
    assert len(first_run.project.served()) == 2
    new = [job for job in flink.jobs() if job["jid"] not in before]
    transform = min(new, key=lambda job: job["start-time"])
    assert transform["state"] == "FINISHED"
    told = [entry["stacktrace"] for entry in flink.exceptions(transform["jid"])]
    assert any("TaskManager" in text for text in told), told


def test_data_that_is_not_fit_stops_the_run_with_a_message(first_run, tmp_path):
    broken = make_project(tmp_path)
    file = broken.span(2)
    file.write_text(file.read_text().replace("fare", "trip_miles", 1))
    code, screen = RunOnEngine(broken, "flink", first_run.cluster).run()
    assert code == 4, screen
    assert "more than one column 'trip_miles'. Rename all but one." in screen
    assert "Traceback" not in screen


def _names(jobs) -> set[str]:
    return {job["jid"] for job in jobs}


def _tasks_done(flink, before: set[str]) -> int:
    new = [job for job in flink.jobs() if job["jid"] not in before]
    return new[0]["tasks"]["finished"] if new else 0

"""The pipeline on a Flink cluster: a task manager is killed in its midst, and it pushes a model."""

from __future__ import annotations

import pytest

from tests.engines import artifacts
from tests.engines.conftest import RunOnEngine
from tests.engines.flink import TASK_MANAGERS
from tests.engines.processes import wait_for
from tests.project_with_runs import ORDER, make_project
from tfxkit.runs.summary import State

pytestmark = pytest.mark.engines

BULK = ["UnlabelledExampleGen", "BulkInferrer"]
JOBS = ["ExampleGen", BULK[0], "StatisticsGen", "Transform", "Evaluator", BULK[1]]
UNLABELLED = 100  # rows


@pytest.fixture(scope="module")
def jobs_before(flink):
    """Other modules have the same cluster."""
    return {job["jid"] for job in flink.jobs()}


@pytest.fixture(scope="module")
def killed_run(jobs_before, flink, tmp_path_factory):
    """A run with all data steps, during whose Transform a task manager is killed and started."""
    project = make_project(tmp_path_factory.mktemp("on-flink"))
    for number in (1, 2):
        unlabelled = project.root / "unlabelled" / f"span-{number}" / "trips.csv"
        project.copy_rows(number, unlabelled, UNLABELLED // 2)
    on_flink = RunOnEngine(project, "flink", flink)
    run = on_flink.start("bulk_inferrer={enabled: true, path: unlabelled}")
    wait_for(lambda: _in_transform(flink, jobs_before), "the job of Transform", 900)
    flink.processes.kill(TASK_MANAGERS[0])
    flink.start_task_manager(TASK_MANAGERS[0])  # as whatever watches over it would
    screen = run.communicate()[0]
    assert run.returncode == 0, screen
    return on_flink


def test_a_task_manager_that_is_killed_during_transform_does_not_end_the_run(
    killed_run, jobs_before, flink
):
    assert killed_run.project.states() == dict.fromkeys([*ORDER, *BULK], State.RUN)
    assert len(killed_run.project.served()) == 1
    jobs = _new_jobs(flink, jobs_before)
    assert [job["state"] for job in jobs] == ["FINISHED"] * len(JOBS)
    told = [len(flink.exceptions(job["jid"])) for job in jobs]
    assert [bool(number) for number in told] == [name == "Transform" for name in JOBS], told


def test_each_job_uses_all_task_managers(killed_run, jobs_before, flink):
    used = [flink.task_managers_of(job["jid"]) for job in _new_jobs(flink, jobs_before)]
    assert all(len(names) == len(TASK_MANAGERS) for names in used), used


def test_what_comes_out_is_what_comes_out_without_an_engine(killed_run, project):
    artifacts.assert_same_examples(project, killed_run.project)
    artifacts.assert_same_statistics(project, killed_run.project)
    artifacts.assert_same_vocabularies(project, killed_run.project)
    artifacts.assert_same_features(project, killed_run.project)


def test_bulk_inferrer_predicts_what_the_model_does_without_an_engine(killed_run):
    artifacts.assert_predicted_by_the_model(killed_run.project, UNLABELLED)


def test_data_that_is_not_fit_stops_the_run_with_a_message(flink, tmp_path):
    broken = make_project(tmp_path)
    file = broken.span(2)
    file.write_text(file.read_text().replace("fare", "trip_miles", 1))
    code, screen = RunOnEngine(broken, "flink", flink).run()
    assert code == 4, screen
    assert "more than one column 'trip_miles'. Rename all but one." in screen
    assert "Traceback" not in screen


def _new_jobs(flink, before: set[str]) -> list[dict]:
    """Those that have begun since then, in that order."""
    new = [job for job in flink.jobs() if job["jid"] not in before]
    return sorted(new, key=lambda job: job["start-time"])


def _in_transform(flink, before: set[str]) -> bool:
    """True once its job runs and has done some of its tasks."""
    jobs = _new_jobs(flink, before)
    return len(jobs) == JOBS.index("Transform") + 1 and jobs[-1]["tasks"]["finished"] >= 8

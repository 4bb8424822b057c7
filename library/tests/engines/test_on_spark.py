"""The pipeline on a Spark cluster: data on S3, a worker killed in its midst, a model pushed."""

from __future__ import annotations

import pytest
from tfx.utils import io_utils

from tests.engines import artifacts
from tests.engines.conftest import RunOnEngine
from tests.engines.processes import wait_for
from tests.engines.spark import WORKERS
from tests.project_with_runs import ORDER, make_project
from tfxkit.runs.summary import State

pytestmark = pytest.mark.engines

JOBS = ["ExampleGen", "StatisticsGen", "Transform", "Evaluator"]


def test_a_run_on_data_in_s3_pushes_a_model_though_a_worker_is_killed_during_transform(
    spark, s3, tmp_path, project
):
    on_spark = RunOnEngine(make_project(tmp_path), "spark", spark)
    io_utils.copy_dir(str(tmp_path / "data" / "taxi"), f"{s3}/taxi")
    run = on_spark.start(f"data.path={s3}/taxi")
    wait_for(lambda: _in_transform(spark), "the job of Transform", 900)
    spark.processes.kill(WORKERS[0])
    spark.start_worker(WORKERS[0])
    screen = run.communicate()[0]

    assert run.returncode == 0, screen
    assert on_spark.project.states() == dict.fromkeys(ORDER, State.RUN)
    assert len(on_spark.project.served()) == 1
    assert [app["state"] for app in spark.applications()] == ["FINISHED"] * len(JOBS)
    assert spark.lost_executors() == 1
    artifacts.assert_same_examples(project, on_spark.project)
    artifacts.assert_same_statistics(project, on_spark.project)
    artifacts.assert_same_vocabularies(project, on_spark.project)
    artifacts.assert_same_features(project, on_spark.project)


def _in_transform(spark) -> bool:
    """True once the third job runs and has done some of its tasks."""
    log = (spark.processes.folder / "job-server.log").read_text(errors="replace")
    jobs = log.split("SparkPipelineRunner: Running job")[1:]
    return len(jobs) == JOBS.index("Transform") + 1 and jobs[-1].count("Finished task") > 8

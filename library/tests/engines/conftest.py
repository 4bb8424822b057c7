"""Clusters for the whole session, and a project to run on them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.engines import jars
from tests.engines.flink import TASK_MANAGERS, FlinkCluster
from tests.engines.spark import SparkCluster
from tests.project_with_runs import Project
from tests.s3_server import environment
from tests.sample_project import ROOT


def _started(cluster: FlinkCluster | SparkCluster, request: pytest.FixtureRequest) -> Iterator:
    failed = request.session.testsfailed
    try:
        cluster.start()
        yield cluster
        if request.session.testsfailed > failed:
            print(cluster.processes.logs())
    except BaseException:
        print(cluster.processes.logs())
        raise
    finally:
        cluster.processes.stop()


def _class_path(engine: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    if told := jars.missing_tools():
        pytest.fail(told, pytrace=False)
    return jars.class_path(engine, tmp_path_factory.mktemp("jars"))


@pytest.fixture(scope="session")
def flink(request, tmp_path_factory, s3_endpoint) -> Iterator[FlinkCluster]:
    found = _class_path("flink", tmp_path_factory)
    yield from _started(
        FlinkCluster(tmp_path_factory.mktemp("flink"), found, environment(s3_endpoint)), request
    )


@pytest.fixture(scope="module")
def spark(request, tmp_path_factory, s3_endpoint) -> Iterator[SparkCluster]:
    found = _class_path("spark", tmp_path_factory)
    yield from _started(
        SparkCluster(tmp_path_factory.mktemp("spark"), found, environment(s3_endpoint)), request
    )


@dataclasses.dataclass
class RunOnEngine:
    """`python -m pipeline run` in a process of its own."""

    project: Project
    engine: str
    cluster: FlinkCluster | SparkCluster

    def settings(self) -> list[str]:
        section = {
            "job_endpoint": self.cluster.job_endpoint,
            "worker_pool": self.cluster.worker_pool,
        }
        if self.engine == "flink":
            section["parallelism"] = len(TASK_MANAGERS)
        # The cluster has all jars already: a job needs to bring none, but Beam wants one at least.
        options = {"files_to_stage": str(self.cluster.smallest_jar())}
        return [f"beam.{self.engine}={json.dumps(section)}", f"beam.options={json.dumps(options)}"]

    def start(self, *settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipeline", *self.project.arguments("run")]
        command += ["--engine", self.engine]
        for setting in [*self.settings(), *settings]:
            command += ["--set", setting]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *settings: str) -> tuple[int, str]:
        """The exit code, and what was on the screen."""
        process = self.start(*settings)
        screen = process.communicate()[0]
        return process.returncode, screen

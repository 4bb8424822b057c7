"""Spark on this machine: a master, two workers, Beam's job server, a worker pool."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.engines.processes import HOST, OPENS, Cluster, free_port, listens, wait_for

WORKERS = ("worker-1", "worker-2")
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"


class SparkCluster(Cluster):
    """A standalone cluster of processes; each worker has one core and starts one executor."""

    def __init__(self, folder: Path, class_path: str, worker_env: Mapping[str, str]) -> None:
        super().__init__(folder, class_path, worker_env)
        self.master, self.page = free_port(), free_port()
        # A worker starts its executors with what lies here.
        self.home = folder / "home"
        (self.home / "jars").mkdir(parents=True)
        for jar in map(Path, class_path.split(os.pathsep)):
            (self.home / "jars" / jar.name).symlink_to(jar)

    @property
    def java_env(self) -> dict[str, str]:
        return {"SPARK_HOME": str(self.home), "SPARK_SCALA_VERSION": "2.12"}

    def start(self) -> None:
        self.start_worker_pool()
        flags = ["--host", HOST, "--port", str(self.master), "--webui-port", str(self.page)]
        self._java("master", "org.apache.spark.deploy.master.Master", *flags)
        wait_for(lambda: listens(self.master), "Spark's master")
        for name in WORKERS:
            self.start_worker(name)
        wait_for(lambda: self.workers() == len(WORKERS), "Spark's workers")
        settings = {
            "spark.executor.memory": "600m",
            "spark.executor.extraJavaOptions": " ".join([*OPENS, "-XX:+UseSerialGC"]),
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.ui.enabled": "false",
        }
        self.start_job_server(
            *(f"-D{name}={value}" for name, value in settings.items()),
            "org.apache.beam.runners.spark.SparkJobServerDriver",
            f"--spark-master-url=spark://{HOST}:{self.master}",
        )

    def start_worker(self, name: str) -> None:
        """Starts a worker, which starts an executor for each job."""
        main = "org.apache.spark.deploy.worker.Worker"
        flags = ["--host", HOST, "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        folder = self.processes.folder / name
        flags += ["--work-dir", str(folder), f"spark://{HOST}:{self.master}"]
        self._java(name, main, *flags)

    def workers(self) -> int:
        """Workers that are there."""
        with contextlib.suppress(OSError):
            return self._state()["aliveworkers"]
        return 0

    def applications(self) -> list[dict[str, Any]]:
        """The applications, one for each job, in the order in which they began."""
        found = self._state()
        both = found["activeapps"] + found["completedapps"]
        return sorted(both, key=lambda app: app["starttime"])

    def lost_executors(self) -> int:
        """Executors that went because their worker did."""
        log = (self.processes.folder / "job-server.log").read_text(errors="replace")
        return log.count("is now LOST (worker lost")

    def _state(self) -> Any:
        with urllib.request.urlopen(f"http://{HOST}:{self.page}/json/", timeout=10) as answer:
            return json.load(answer)

    def _java(self, name: str, *args: str) -> None:
        self.processes.start_java(name, self.class_path, *args, env=self.java_env)

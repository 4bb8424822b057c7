"""Flink on this machine: a job manager, two task managers, Beam's job server, a worker pool."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.engines.processes import HOST, Cluster, free_port, wait_for

TASK_MANAGERS = ("taskmanager-1", "taskmanager-2")


class FlinkCluster(Cluster):
    """A cluster of processes; each task manager has one slot."""

    def __init__(self, folder: Path, class_path: str, worker_env: Mapping[str, str]) -> None:
        super().__init__(folder, class_path, worker_env)
        self.rest = free_port()
        self._configure(folder)

    def start(self) -> None:
        self.start_worker_pool()
        entrypoint = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        self._java("jobmanager", entrypoint, "--configDir", str(self.processes.folder))
        for name in TASK_MANAGERS:
            self.start_task_manager(name)
        self.start_job_server(
            "org.apache.beam.runners.flink.FlinkJobServerDriver",
            f"--flink-master={HOST}:{self.rest}",
            f"--flink-conf-dir={self.processes.folder}",
        )
        wait_for(lambda: self.slots() == len(TASK_MANAGERS), "task managers")

    def start_task_manager(self, name: str) -> None:
        runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        self._java(name, runner, "--configDir", str(self.processes.folder), heap_mb=768)

    def slots(self) -> int:
        """Slots of the task managers that are there."""
        with contextlib.suppress(OSError):  # while it starts it says 404
            return self._get("overview")["slots-total"]
        return 0

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs that the cluster has had: `name`, `state`, …"""
        return self._get("jobs/overview")["jobs"]

    def task_managers_of(self, job: str) -> set[str]:
        """Those that tasks of a job have run on."""
        parts = [part["id"] for part in self._get(f"jobs/{job}")["vertices"]]
        return {
            task["taskmanager-id"]
            for part in parts
            for task in self._get(f"jobs/{job}/vertices/{part}")["subtasks"]
        }

    def exceptions(self, job: str) -> list[dict[str, Any]]:
        """Reasons why a job was restarted or failed."""
        return self._get(f"jobs/{job}/exceptions")["exceptionHistory"]["entries"]

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{HOST}:{self.rest}/{path}", timeout=10) as answer:
            return json.load(answer)

    def _java(self, name: str, *args: str, heap_mb: int = 512) -> None:
        self.processes.start_java(name, self.class_path, *args, heap_mb=heap_mb)

    def _configure(self, folder: Path) -> None:
        settings = {
            "jobmanager.rpc.address": HOST,
            "jobmanager.rpc.port": free_port(),
            "jobmanager.bind-host": HOST,
            "jobmanager.memory.process.size": "1g",
            "rest.address": HOST,
            "rest.port": self.rest,
            "rest.bind-address": HOST,
            "taskmanager.bind-host": HOST,
            "taskmanager.host": HOST,
            "taskmanager.numberOfTaskSlots": 1,
            "taskmanager.cpu.cores": 1,
            # All of them: what starts here is the Java class, not Flink's script that would compute
            # what is left out.
            "taskmanager.memory.framework.heap.size": "128mb",
            "taskmanager.memory.framework.off-heap.size": "64mb",
            "taskmanager.memory.jvm-metaspace.size": "256mb",
            "taskmanager.memory.jvm-overhead.min": "128mb",
            "taskmanager.memory.jvm-overhead.max": "128mb",
            # A step is a job of hundreds of tasks, each with a shuffle that would take 512 buffers.
            "taskmanager.network.sort-shuffle.min-buffers": 64,
            "taskmanager.memory.network.min": "512mb",
            "taskmanager.memory.network.max": "512mb",
            "taskmanager.memory.managed.size": "64mb",
            "taskmanager.memory.task.heap.size": "256mb",
            "taskmanager.memory.task.off-heap.size": "0",
            # So that a killed task manager is missed within seconds.
            "heartbeat.interval": 1000,
            "heartbeat.timeout": 8000,
            # Alone takes a lost task manager for one failure; the others count one for each
            # part of the job that was on it (flink 1.19).
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "3s",
            "restart-strategy.exponential-delay.max-backoff": "10s",
            "restart-strategy.exponential-delay.attempts-before-reset-backoff": 5,
            # The jars are here already. Loaded from what a job brings along, they would end the SDK
            # workers whenever no stage of a job needs them, and start others for the next stage.
            "classloader.resolve-order": "parent-first",
            "io.tmp.dirs": str(folder / "tmp"),
        }
        (folder / "tmp").mkdir()
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))

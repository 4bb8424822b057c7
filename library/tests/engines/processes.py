"""Processes that make up a cluster: each in a group of its own, with a log, gone at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.sample_project import ROOT

HOST = "127.0.0.1"
# What Flink and Spark reach into on Java 17; Spark's own list (JavaModuleOptions.java of 3.5).
_OPENED = [
    *("lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "text", "time", "util"),
    *("util.concurrent", "util.concurrent.atomic", "util.concurrent.locks"),
]
OPENS = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in _OPENED] + [
    f"--add-opens=java.base/sun.{name}=ALL-UNNAMED"
    for name in ("nio.ch", "nio.cs", "security.action", "util.calendar")
]


def free_port() -> int:
    """A port that nothing listens to now."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        return server.getsockname()[1]


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not after {seconds} s"
        time.sleep(0.2)


def listens(port: int) -> bool:
    """True if something answers at a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


class Processes:
    """Starts processes and ends all of them, with their children."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> None:
        """Starts a process under a name; its log is `NAME.log`."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
                cwd=ROOT,
                start_new_session=True,
            )

    def start_java(
        self,
        name: str,
        class_path: str,
        *args: str,
        heap_mb: int = 512,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Starts a Java program: further options of Java, its main class, and its arguments."""
        command = ["java", f"-Xmx{heap_mb}m", "-XX:+UseSerialGC"]
        self.start(name, [*command, *OPENS, "-cp", class_path, *args], env)

    def kill(self, name: str) -> None:
        """Ends a process and its children at once, as when a machine goes."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ends all that is left."""
        for name in reversed(list(self.running)):
            self.kill(name)

    def logs(self, bytes_each: int = 6000) -> str:
        """The ends of all logs, for the message of a test that failed."""
        ends = []
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(errors="replace")
            ends.append(f"--- {log.name}\n{text[-bytes_each:]}")
        return "\n".join(ends)


class Cluster:
    """Base of every engine here: processes, Beam's job server, and a worker pool."""

    def __init__(self, folder: Path, class_path: str, worker_env: Mapping[str, str]) -> None:
        self.processes = Processes(folder)
        self.class_path, self.worker_env = class_path, worker_env
        self.job_port, self.pool_port = free_port(), free_port()

    @property
    def job_endpoint(self) -> str:
        return f"{HOST}:{self.job_port}"

    @property
    def worker_pool(self) -> str:
        return f"{HOST}:{self.pool_port}"

    def start_worker_pool(self) -> None:
        """Starts what begins SDK workers when the engine asks: this project's environment."""
        command = [sys.executable, "-m", "tfxkit.runs.worker_pool", f"--port={self.pool_port}"]
        self.processes.start("worker-pool", command, self.worker_env)

    def start_job_server(self, *args: str) -> None:
        """Starts Beam's job server: options of Java, its main class, and where the engine is."""
        self.processes.start_java(
            "job-server",
            self.class_path,
            *args,
            f"--artifacts-dir={self.processes.folder / 'artifacts'}",
            f"--job-host={HOST}",
            f"--job-port={self.job_port}",
            "--artifact-port=0",
            "--expansion-port=0",
            env=self.java_env,
        )
        wait_for(lambda: listens(self.job_port), "job server")

    def smallest_jar(self) -> Path:
        """One of the jars of the engine."""
        return min(map(Path, self.class_path.split(os.pathsep)), key=lambda jar: jar.stat().st_size)

    @property
    def java_env(self) -> dict[str, str]:
        """Variables that the engine's processes need."""
        return {}

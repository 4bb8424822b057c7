"""Runs each step's own command as a process of this machine.

A process cannot mount: a claim must be mounted at the very folder that stands for it, and there is
no empty folder where the step wants one, but what this machine has there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.kubeflow.emulator.step import Step

Started = Callable[[Step, "subprocess.Popen[bytes]"], None]


class StepProcess:
    """Processes with a small environment of their own, each in its own process group.

    Args:
        env: What the image and the cluster give every step, besides PATH (with this Python first),
            HOME and TMPDIR (both in the step's folder): PYTHONPATH stands for the package that is
            installed in the image, AWS_ENDPOINT_URL for the store's address.
        started: Is called in a thread of its own with each step and its process, once that runs:
            the place to kill the process group of an attempt.
    """

    def __init__(self, env: Mapping[str, str], started: Started | None = None) -> None:
        self._env, self._started = dict(env), started
        self._running: set[int] = set()
        self._closed = False
        self._lock = threading.Lock()

    def launcher_root(self, folder: Path) -> str:
        return str(folder)

    def run(self, step: Step) -> int:
        """Runs a step; 137 if it was killed, as a container's exit code would be.

        Raises:
            ValueError: A claim is mounted elsewhere than at its folder.
        """
        for path, folder in step.mounts.items():
            if Path(path).resolve() != folder.resolve():
                raise ValueError(
                    f"{step.task}: a process cannot mount {folder} at {path}: let the package "
                    "mount the claim at its folder, or run the steps in containers"
                )
        with step.log.open("wb") as log:
            try:
                process = subprocess.Popen(
                    step.command,
                    env=self._environment(step),
                    cwd=step.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:  # no such command; or an argument longer than the kernel takes
                log.write(f"{error}\n".encode())
                return 127
            with self._lock:
                self._running.add(process.pid)
                if self._closed:
                    kill_group(process.pid)
            if self._started:
                args = (step, process)
                threading.Thread(target=self._started, args=args, daemon=True).start()
            return self._wait(process, step)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for group in self._running:
                kill_group(group)

    def _wait(self, process: subprocess.Popen[bytes], step: Step) -> int:
        try:
            code = process.wait(step.deadline_s)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)
            code = process.wait()
        finally:  # the pod is gone, and all that it started with it
            kill_group(process.pid)
            with self._lock:
                self._running.discard(process.pid)
        return code if code >= 0 else 128 - code

    def _environment(self, step: Step) -> dict[str, str]:
        temporary = step.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(step.folder),
            "TMPDIR": str(temporary),
            "PIPELINE_LAUNCHER_ROOT": str(step.folder),
            **self._env,
            **step.env,
        }


def kill_group(group: int) -> None:
    """Kills what is left of a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)

"""Runs each step in an OCI container of its own, as shut off as a cluster's strictest policies ask.

No network, no capabilities, no way to gain any, a user that no file knows, and nothing to write to
but /tmp, the launcher's folders and what the pod mounts. A step that reaches for the object store,
for another step's files or for its own image's folders fails.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.kubeflow.emulator.step import Step

# Any number that no image knows; OpenShift gives each project a range of such.
USER = 1000660000
# The pod's volumes (argocompiler/container.go:541), and what the launcher has in its /tmp.
LAUNCHER_FOLDERS = ("gcs", "minio", "s3", "tmp/kfp", "tmp/kfp_outputs")
EMPTY = "mode=1777,notmpcopyup"  # also where the image has something


class StepContainer:
    """Containers of podman, started as root.

    Args:
        path: Where there is no image: PATH in containers that have all files of this machine,
            read-only, instead. Their user is root, but without capabilities, since the files may be
            root's alone.

    Attributes:
        user: Id of the containers' user and group.
    """

    def __init__(self, path: str = "") -> None:
        self.user = 0 if path else USER
        self._path = path
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._closed = False
        self._lock = threading.Lock()

    def launcher_root(self, folder: Path) -> str:
        return "/"

    def run(self, step: Step) -> int:
        """Runs a step.

        Returns:
            The exit code of the container, 255 if its time is over; or podman's own, 125 to 127.
        """
        for folder in LAUNCHER_FOLDERS:
            (step.folder / folder).mkdir(parents=True, exist_ok=True)
        give(step.folder, self.user)
        name = f"step-{uuid.uuid4().hex}"
        command = ["podman", "run", f"--name={name}", *self._shut_off(), *_mounted(step)]
        if step.deadline_s is not None:
            command.append(f"--timeout={max(1, round(step.deadline_s))}")
        command += [*self._files(step), *step.command]
        with step.log.open("wb") as log:
            with self._lock:
                if self._closed:
                    return 125
                self._running[name] = process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            code = process.wait()
        with self._lock:
            del self._running[name]
        return code

    def close(self) -> None:
        with self._lock:
            self._closed = True
            running = dict(self._running)
        for name, process in running.items():
            while process.poll() is None:  # the container may be about to begin
                subprocess.run(["podman", "kill", name], capture_output=True, check=False)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)

    def _shut_off(self) -> Iterator[str]:
        yield from ("--rm", "--pull=never", "--log-driver=none", "--network=none")
        yield from ("--cap-drop=ALL", "--security-opt=no-new-privileges")
        yield from ("--read-only", "--read-only-tmpfs=false", f"--tmpfs=/tmp:{EMPTY}")
        yield from (f"--user={self.user}:{self.user}", "--passwd=false")
        # podman asks for far more, which the root of a machine that is a container itself may not.
        yield from ("--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096")

    def _files(self, step: Step) -> Iterator[str]:
        """The variables, which those of the image lie under, and the image."""
        env = dict(step.env)
        if self._path:
            env = {"PATH": self._path, "HOME": "/tmp", "USER": "pipeline", **env}
        yield from (f"--env={variable}={value}" for variable, value in env.items())
        yield from ("--workdir=/tmp", "--rootfs", "/:O") if self._path else (step.image,)


def give(folder: Path, user: int) -> None:
    """Makes a folder and all that is in it a user's own."""
    os.chown(folder, user, user)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(parent, name), user, user, follow_symlinks=False)


def _mounted(step: Step) -> Iterator[str]:
    yield from (f"--tmpfs={path}:{EMPTY}" for path in step.scratch)
    yield from (f"--volume={step.folder / folder}:/{folder}" for folder in LAUNCHER_FOLDERS)
    yield from (f"--volume={folder}:{path}" for path, folder in step.mounts.items())

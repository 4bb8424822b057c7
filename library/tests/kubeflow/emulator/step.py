"""One attempt at a step, and what runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Step:
    """A step, ready to run.

    Attributes:
        task: The task's name.
        attempt: 0 for the first.
        image: The container's image.
        command: The words of the command, with nothing left to fill in.
        env: The variables of the pod.
        mounts: Folders to mount, by the path that the container is to see.
        scratch: Paths at which the container is to see an empty folder.
        folder: The attempt's own folder: it is empty but for the launcher's folders (`minio`, `s3`,
            `gcs`, `tmp/kfp`), and is removed after it.
        log: The file that gets what the step prints.
        deadline_s: Seconds after which the step is killed, if any.
    """

    task: str
    attempt: int
    image: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    mounts: Mapping[str, Path]
    scratch: tuple[str, ...]
    folder: Path
    log: Path
    deadline_s: float | None


class StepRunner(Protocol):
    """Runs steps: as processes, or each in a container."""

    def launcher_root(self, folder: Path) -> str:
        """Where a step sees the launcher's folders: "/" if it has a file system of its own."""

    def run(self, step: Step) -> int:
        """Runs a step to its end and returns the exit code; may be called from several threads."""

    def close(self) -> None:
        """Ends the steps that are running."""

"""In place of containers and of the object store, where a test is not about what steps do."""

from __future__ import annotations

from pathlib import Path


class IdleSteps:
    """Each step ends at once, with the exit code that is set for it.

    Attributes:
        codes: Exit codes by name of the step; 0 if there is none.
    """

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}

    def launcher_root(self, folder: Path) -> str:
        return str(folder)

    def run(self, step) -> int:
        return self.codes.get(step.task, 0)

    def close(self) -> None:
        pass


class NoFiles:
    """Steps that do nothing write nothing."""

    def upload(self, path: str, bucket, key: str) -> None:
        raise FileNotFoundError(path)

    def download(self, bucket, key: str, path: str) -> None:
        pass

    def keys(self, bucket, prefix: str) -> list[str]:
        return []

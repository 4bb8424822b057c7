"""The layout of `outputs/<pipeline>/`: the files that runs leave on a local disk."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import UsageError

if TYPE_CHECKING:
    from tfxkit.config.loading import Config

# In the folder of a run.
SUMMARY_FILE, LOG_FILE, REPORT_FILE = "summary.json", "run.log", "report.html"


class BusyError(UsageError):
    """Raised if another process runs this pipeline in this folder."""


@dataclasses.dataclass(frozen=True)
class Outputs:
    """All paths of one pipeline's outputs.

    Attributes:
        root: `<outputs>/<pipeline>`, absolute.
        selection: The configuration that they belong to.
    """

    root: Path
    selection: ConfigSelection = dataclasses.field(default_factory=ConfigSelection)

    @classmethod
    def of(cls, selection: ConfigSelection, config: Config | None = None) -> Outputs:
        """The outputs of the pipeline that a configuration describes.

        Args:
            selection: The configuration.
            config: The same, if it has been loaded already.
        """
        from tfxkit.config.loading import project_path

        config = config or selection.load()
        folder = Path(project_path(config.outputs, selection.folder())) / config.pipeline
        return cls(folder, selection)

    def command(self, subcommand: str, *arguments: str) -> str:
        """The command line that applies a subcommand to these outputs, ready to be pasted."""
        return self.selection.command(subcommand, *arguments)

    @property
    def artifacts(self) -> Path:
        """TFX's pipeline root: one folder per step, key and execution."""
        return self.root / "artifacts"

    @property
    def metadata(self) -> Path:
        """The SQLite file of ML Metadata."""
        return self.root / "metadata.sqlite"

    @property
    def serving(self) -> Path:
        """The pushed models, one folder per version: what a model server is pointed at."""
        return self.root / "serving_model"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of trainings that have not ended; empty after one that has."""
        return self.root / "checkpoints"

    @property
    def runs(self) -> Path:
        """One folder per run, and the link `latest`."""
        return self.root / "runs"

    def package(self, target: str) -> Path:
        """The pipeline as it is compiled for a backend: `kubeflow.yaml`, `vertex.yaml`."""
        return self.root / f"{target}.yaml"

    def latest(self) -> str | None:
        """The id of the run that began last, whatever the clock said; None before the first."""
        link = self.runs / "latest"
        return os.readlink(link) if link.is_symlink() else None

    def new_run_dir(self) -> Path:
        """Makes the folder of a new run, named by its start in local time, and links `latest`.

        Raises:
            UsageError: If it cannot be made.
        """
        try:
            return self._new_run_dir()
        except OSError as error:
            raise UsageError(f"Cannot write to {self.runs}: {error.strerror}") from None

    def _new_run_dir(self) -> Path:
        self.runs.mkdir(parents=True, exist_ok=True)
        stamp, attempt = datetime.now().strftime("%Y%m%d-%H%M%S"), 1
        run_dir = self.runs / stamp
        while True:
            try:
                run_dir.mkdir()
                break
            except FileExistsError:
                attempt += 1
                run_dir = self.runs / f"{stamp}-{attempt}"
        self._link_latest(run_dir)
        return run_dir

    def discard_run_dir(self, run_dir: Path, before: str | None) -> None:
        """Removes the folder of a run that never began.

        Args:
            run_dir: Its folder.
            before: The value of `latest()` before the folder was made; names do not tell the order,
                since clocks are set back.
        """
        shutil.rmtree(run_dir)
        if before is None:
            (self.runs / "latest").unlink()
        else:
            self._link_latest(self.runs / before)

    def _link_latest(self, run_dir: Path) -> None:
        link = self.runs / f".latest-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(run_dir.name)
        link.replace(self.runs / "latest")

    def schema_copy(self, schema: Path) -> Path:
        """A copy of the schema under a path that changes with its content.

        ImportSchemaGen's cache key holds the path of the file only, so at a fixed path an edited
        schema would be ignored in silence (tfx 1.21, `import_schema_gen/component.py`).
        """
        content = schema.read_bytes()
        copy = self.root / "schemas" / hashlib.sha256(content).hexdigest()[:12] / schema.name
        if not copy.exists() or copy.read_bytes() != content:  # a power cut may have emptied it
            copy.parent.mkdir(parents=True, exist_ok=True)
            draft = copy.with_suffix(f".{os.getpid()}")
            draft.write_bytes(content)
            draft.replace(copy)
        return copy

    def is_running(self) -> bool:
        """True while some process runs this pipeline."""
        try:
            with self.lock():
                return False
        except BusyError:
            return True

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the pipeline for this process; the system frees it however the process ends.

        Raises:
            BusyError: If another process holds it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("a+")
        except OSError as error:
            raise UsageError(f"Cannot write to {self.root}: {error.strerror}") from None
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise BusyError(
                    f"{self.root} is in use by another run (process {file.read().strip()}). "
                    "Wait for it, or give this one another folder: --set outputs=FOLDER"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def shown(path: Path) -> str:
    """A path as a person in the current folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)

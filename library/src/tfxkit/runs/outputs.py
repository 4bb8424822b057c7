"""Layout of `outputs/<pipeline>/`, the files of runs on a local disk; their lock and checks."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import sqlite3
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
# For another process to release the metadata: a backup takes that long, a forgotten shell longer.
METADATA_WAIT_S = 10.0
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


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
        """The command line of a subcommand for these outputs, ready to be pasted."""
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
        """The pushed models, one folder per version; the folder that a model server watches."""
        return self.root / "serving_model"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of an unfinished training; empty after one that has finished."""
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
        """Creates the folder of a new run, named by its start in local time, and links `latest`.

        Raises:
            UsageError: If it cannot be created.
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
            before: The value of `latest()` before the folder was created; names do not give the
                order, since clocks are set back.
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

        ImportSchemaGen's cache key has only the path of the file, so at a fixed path an edited
        schema would be ignored silently (tfx 1.21, `import_schema_gen/component.py`).
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


def prepare_metadata(file: Path) -> str | None:
    """Checks that a run can write to the file of ML Metadata, and sets a damaged one aside.

    A damaged file is never deleted: no served model depends on it, but it holds the lineage of the
    models. Without it each step runs anew.

    Args:
        file: The SQLite file; it need not exist.

    Returns:
        A sentence for the user if the file was damaged, else None.

    Raises:
        UsageError: If another process holds the file, or if it cannot be written.
    """
    if not file.exists():
        return None
    try:
        # SQLite opens a read-only file without an error.
        file.open("r+b").close()
    except OSError as error:
        raise UsageError(f"Cannot write to {file}: {error.strerror}") from None
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=METADATA_WAIT_S)) as database:
            # Rolls back the transaction of a killed run, and takes the lock that a run needs.
            database.execute("BEGIN IMMEDIATE")
            [verdict] = database.execute("PRAGMA quick_check(1)").fetchone()
            database.rollback()
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_BUSY):
            raise UsageError(
                f"{file} is locked by another process, for {METADATA_WAIT_S:g} s by now.\n"
                "Close the process that has it open (fuser names it), and run again."
            ) from None
        if not name.startswith(_DAMAGED):
            raise UsageError(f"{file} cannot be used: {error}") from None
        verdict = str(error)
    return None if verdict == "ok" else _set_aside(file, verdict)


def _set_aside(file: Path, verdict: str) -> str:
    aside = file.with_name(f"{file.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}")
    for suffix in ("", "-journal", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    return (
        f"{file.name} is damaged ({verdict.splitlines()[-1]}) and was set aside as {aside.name}. "
        "Each step runs anew; the served model stays the same."
    )


def shown(path: Path) -> str:
    """A path as a person in the current folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)

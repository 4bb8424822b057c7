"""Makes `outputs.tar.xz`: what version 0.1 left of three runs, the last one killed.

    git worktree add CHECKOUT 456d011
    python library/tests/data_of_0_1/make.py CHECKOUT

The Python must have the packages of 0.1, which are those of 0.2. The runs are real: a first model,
a second one of another seed, and a run that is killed while it trains. Of the artifacts only those
stay that something reads later; the project's folder is replaced by `FOLDER` everywhere.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ARCHIVE = Path(__file__).with_name("outputs.tar.xz")
FOLDER = "/somebody/project-of-0.1"  # as long as the name of a temporary folder
PIPELINE = "sample-trips-fast"
ROWS_PER_SPAN = 400
TRAINING = "INFO:models.training:Epoch 2 of"  # in the log, while it trains
# Nothing but the step itself reads these again.
LEFT_OUT = ("Trainer/model_run", "Evaluator/.temp", "SchemaGen/.temp")


def main(checkout: Path) -> None:
    """Runs 0.1 three times, and packs what it left."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        sample = checkout / "tests" / "sample"
        shutil.copytree(sample / "configs", project / "configs")
        for file in sample.glob("data/taxi/*/*.csv"):
            copy = project / file.relative_to(sample)
            copy.parent.mkdir(parents=True)
            with file.open(newline="") as read, copy.open("w", newline="") as write:
                csv.writer(write).writerows(itertools.islice(csv.reader(read), ROWS_PER_SPAN + 1))
        run(checkout, project, "1")
        run(checkout, project, "2")
        run(checkout, project, "3", killed=True)
        outputs = project / "outputs" / PIPELINE
        reduce(outputs)
        scrub(project, checkout)
        pack(project)


def run(checkout: Path, project: Path, seed: str, *, killed: bool = False) -> None:
    command = [sys.executable, "-m", "pipeline", "run", "--config", "fast"]
    command += ["--config-dir", str(project / "configs"), "--set", f"train.seed={seed}"]
    command += ["--set", "model.width=16"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    process = subprocess.Popen(command, cwd=checkout, env=environment, start_new_session=True)
    if not killed:
        assert process.wait() == 0
        return
    latest = project / "outputs" / PIPELINE / "runs" / "latest"
    log = latest / "run.log"
    finished = latest.resolve()
    while latest.resolve() == finished or not log.exists() or TRAINING not in log.read_text():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def reduce(outputs: Path) -> None:
    for path in LEFT_OUT:
        step, key = path.split("/")
        shutil.rmtree(outputs / "artifacts" / step / key, ignore_errors=True)
    for path in sorted(outputs.rglob("*")):
        if path.name in ("report.html", "figures") or path.name.startswith("events.out"):
            path.unlink() if path.is_file() else shutil.rmtree(path)
    shutil.rmtree(outputs / "checkpoints")  # which only `resume` of 0.1 reads
    (outputs / ".lock").unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(outputs / "metadata.sqlite")) as database:
        database.execute("VACUUM")


def scrub(project: Path, checkout: Path) -> None:
    """Replaces the path of the project in all files, and others of this machine in logs."""
    before, after = str(project).encode(), FOLDER.encode()
    assert len(before) == len(after)  # in databases and protocol buffers, too
    for file in filter(Path.is_file, project.rglob("*")):
        content = file.read_bytes().replace(before, after)
        if file.name == "run.log":
            content = content.replace(sys.prefix.encode(), b"/venv")
            content = content.replace(str(checkout).encode(), b"/checkout")
        file.write_bytes(content)


def pack(project: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as archive:

        def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            return entry

        archive.add(project, ".", filter=plain)
    ARCHIVE.write_bytes(buffer.getvalue())
    print(f"{ARCHIVE}: {len(buffer.getvalue()):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

"""Beam's own runner in several processes, as `beam.mode: auto` takes it for large data.

Up to Transform: the Evaluator in workers of Beam is in test_on_flink.py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.sample_project import CONFIGS, ROOT, span
from tfxkit.runs import summary
from tfxkit.runs.summary import State

pytestmark = pytest.mark.engines


def test_steps_run_in_several_processes_on_data_in_an_object_store(s3, tmp_path):
    from tfxkit.storage.filesystems import fileio

    shutil.copytree(CONFIGS, tmp_path / "configs")
    source = span(1)
    with source.open() as read, fileio.open(f"{s3}/taxi/span-1/{source.name}", "w") as write:
        write.write(read.read())

    command = [sys.executable, "-m", "pipeline", "run", "--to", "Transform"]
    command += ["--config", "fast", "--config-dir", str(tmp_path / "configs")]
    command += ["--set", "beam.mode=multi_processing", "--set", "beam.workers=2"]
    command += ["--set", f"data.path={s3}/taxi"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    [latest] = tmp_path.glob("outputs/*/runs/latest")
    states = {step.name: step.state for step in summary.read(latest).steps}
    steps = ("ExampleGen", "StatisticsGen", "Transform")
    assert {name: states[name] for name in steps} == dict.fromkeys(steps, State.RUN)
    assert "sdk_worker_main" in (latest / "run.log").read_text()

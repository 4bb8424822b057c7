"""A step as Kubeflow runs it, sent to Flink: its artifacts come to be where the launcher looks."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from tests.engines import artifacts
from tests.engines.conftest import RunOnEngine
from tests.kubeflow.overlays import load
from tests.kubeflow.test_entrypoint import RUN, Step
from tests.sample_project import CONFIGS, ROOT

pytestmark = pytest.mark.engines


def test_example_gen(flink, project, tmp_path, monkeypatch):
    mounted = "{/minio/mlpipeline: {claim: beam-scratch}}"
    settings = [f"kubeflow.steps.all.claims={mounted}", "beam.engine=flink"]
    settings += [*RunOnEngine(project, "flink", flink).settings(), "kubeflow.serving=gs://b/m"]
    found = load("kubeflow", *settings, "kubeflow.checkpoints=gs://b/c")
    package = importlib.import_module("tfxkit.kubeflow.runners.kubeflow").compile_package(
        found, CONFIGS
    )
    step = Step(package, "ExampleGen", tmp_path, RUN)
    step.parameters.update(input_base=str(project.root / "data" / "taxi"))
    for name, value in {
        **step.env, "KFP_POD_NAME": "pod", "PIPELINE_LAUNCHER_ROOT": str(tmp_path)
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    before = len(flink.jobs())
    command = [sys.executable, *step.container["command"][1:], *step.arguments(step.container)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len(flink.jobs()) == before + 1
    [examples] = step.output()["artifacts"]["examples"]["artifacts"]
    assert examples["uri"] == f"{RUN}/ExampleGen/1/examples"
    assert json.loads(examples["metadata"]["spans"]) == [1, 2, 3, 4]
    expected = artifacts.newest(project, "ExampleGen", "examples")
    files = sorted(expected.rglob("*.gz"))
    for file in files:
        made = step.folder / "examples" / file.relative_to(expected)
        assert artifacts.rows(made) == artifacts.rows(file)
    assert files

"""Fixtures for what runs in containers: who runs them, the volume, a program as a step.

IMAGE in the environment names the image (`make image IMAGE=…` builds it from this very code);
without, the containers get the files of this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kubeflow.emulator.step import Step
from tests.kubeflow.emulator.step_container import StepContainer, give
from tests.sample_project import DATA

IMAGE = os.environ.get("IMAGE", "")
MOUNTED_AT = "/mnt/pipeline"  # in the configuration of the tests
SCRATCH = "/scratch"

in_containers = [
    pytest.mark.containers,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        shutil.which("podman") is None,
        reason="there is no podman here (Debian, Ubuntu: apt-get install podman runc)",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="the containers are started as root: use sudo"),
]


@pytest.fixture(scope="module")
def containers() -> StepContainer:
    if not IMAGE:
        return StepContainer(path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    command = ["podman", "image", "exists", IMAGE]
    if subprocess.run(command, check=False).returncode:
        pytest.fail(f"podman has no image {IMAGE} here: make image IMAGE={IMAGE}")
    return StepContainer()


@pytest.fixture
def volume(tmp_path, containers) -> Path:
    """Stand-in for the volume, with the sample data in it, owned by the steps' user."""
    folder = tmp_path / "volume"
    shutil.copytree(DATA, folder / "data")
    give(folder, containers.user)
    return folder


@pytest.fixture
def run_python(tmp_path, containers, volume) -> Callable[..., dict]:
    """Runs a program as a step; returns the object that is the last line of what it prints."""

    def run(program: str, *arguments: str) -> dict:
        pod, log = tmp_path / "pod", tmp_path / "log"
        pod.mkdir()
        step = Step(
            task="Program",
            attempt=0,
            image=IMAGE,
            command=("python", "-c", program, *arguments),
            env={"KFP_POD_NAME": "program-0"},
            mounts={MOUNTED_AT: volume},
            scratch=(SCRATCH,),
            folder=pod,
            log=log,
            deadline_s=300,
        )
        assert containers.run(step) == 0, log.read_text()
        return json.loads(log.read_text().splitlines()[-1])

    return run

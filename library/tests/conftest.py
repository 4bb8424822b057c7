"""The longer suites: each has a marker and a target of make, and runs only when it is named."""

from __future__ import annotations

import gc
import logging
import os
import re
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from tfxkit.runs.run_log import QUIET

# As each run of the pipeline has them. Here and in no hook, which would come after the conftest.py
# of a folder that is named on the command line, and what that imports: TensorFlow reads them once.
for name, value in QUIET.items():
    os.environ.setdefault(name, value)
gc.set_threshold(200_000)  # as the command line has it: the imports take less time
# The DAG, models and steps of the tests are modules of `tests`, also in processes that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")])
)

pytest_plugins = ["tests.s3_server", "tests.project_with_runs"]

SUITES: dict[str, str] = {}
SUITES["notebooks"] = "executes notebooks/ on real runs: make -C library test-notebooks"
SUITES["browser"] = "looks at reports in Chromium: make -C library test-browser"
SUITES["reliability"] = "bad data, faults, bad models: make -C library reliability"
SUITES["engines"] = "runs the pipeline on Flink and Spark: make -C library test-engines"
SUITES["kubeflow"] = "pipelines in an emulator of the backend: make -C library test-kubeflow"
SUITES["containers"] = "each step in an OCI container: make -C library test-containers"
SUITES["template"] = "makes projects from this repository: make -C library test-template"


# Folders whose tests have a finished run in common, which each worker would make for itself.
TOGETHER = ("tests/foreign",)


class FilesTogether(LoadFileScheduling):
    """Gives a worker all tests of a file, or of one of the folders above."""

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (folder for folder in TOGETHER if nodeid.startswith(f"{folder}/")),
            super()._split_scope(nodeid),
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesTogether | None:
    config.option.loadscopereorder = False  # the order of `pytest_collection_modifyitems`
    return FilesTogether(config, log) if config.option.dist == "loadfile" else None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names bytes by their argument: packed ones hold the time, and workers would differ."""
    return argname if isinstance(val, bytes) else None


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in SUITES.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    # Hundreds of lines about type hints, which would bury the reason of a failure.
    logging.getLogger("apache_beam.typehints").setLevel(logging.WARNING)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unnamed = SUITES.keys() - set(re.findall(r"\w+", config.option.markexpr))
    left_out = [item for item in items if unnamed & {mark.name for mark in item.iter_markers()}]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # The files that take minutes first: at the end, no worker waits for the other's last file.
    slow = {item.path for item in items if any(map(item.get_closest_marker, ("slow", *SUITES)))}
    items.sort(key=lambda item: item.path not in slow)

"""Packages of the shipped configurations, each compiled once."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from pipeline.kubeflow.package import Package
from tests.kubeflow.backend_fixtures import (  # noqa: F401
    api_server,
    kfp_client,
    make_backend,
    run_scripts,
    s3,
)
from tests.kubeflow.container_fixtures import containers, run_python, volume  # noqa: F401
from tests.kubeflow.shipped import CONFIGS, load


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Package]:
    """`compiled("kubeflow", "a.b=c", …)` is the package. Tests share it: copy before a change."""

    @functools.cache
    def compile_once(target: str, *settings: str) -> Package:
        from pipeline.runners import kubeflow, vertex

        runner = {"kubeflow": kubeflow, "vertex": vertex}[target]
        return runner.compile_package(load(target, *settings), CONFIGS)

    return compile_once

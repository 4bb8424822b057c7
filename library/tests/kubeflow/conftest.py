"""Packages of the configurations of the tests, each compiled once."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

import pytest

from tests.kubeflow.backend_fixtures import *  # noqa: F403
from tests.kubeflow.container_fixtures import *  # noqa: F403
from tests.kubeflow.overlays import load
from tests.sample_project import CONFIGS
from tfxkit.kubeflow.package import Package


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Package]:
    """`compiled("kubeflow", "a.b=c", …)` is the package. Tests share it: copy before a change."""

    @functools.cache
    def compile_once(target: str, *settings: str) -> Package:
        config = load(target, *settings)
        runner = importlib.import_module(f"tfxkit.kubeflow.runners.{target}")
        return runner.compile_package(config, CONFIGS)

    return compile_once

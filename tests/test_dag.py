"""The DAG in `pipeline/dag.py`, built with each overlay and compiled for configured backends."""

from __future__ import annotations

import re

import pytest
from tfxkit.testing import (
    build_dag,
    configured_backends,
    load_overlay,
    overlays,
    package_problems,
)

pytestmark = pytest.mark.usefixtures("described")


@pytest.mark.parametrize("overlay", overlays())
def test_the_steps_are_wired_and_have_names_that_every_backend_takes(overlay):
    names = [step.id for step in build_dag(load_overlay(overlay))]
    assert names
    assert [name for name in names if not re.fullmatch(r"[A-Za-z][-A-Za-z0-9]*", name)] == []


@pytest.mark.parametrize("overlay", overlays())
def test_a_backend_takes_what_is_compiled_for_it(overlay):
    config = load_overlay(overlay)
    for backend in configured_backends(config):  # none in an overlay for runs on this machine
        pytest.importorskip("kfp", reason=f"the extra {backend} is not installed")
        assert package_problems(config, backend) == []

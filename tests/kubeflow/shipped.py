"""The shipped configurations, as tests start from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import config
from pipeline.kubeflow.settings import RemoteConfig

CONFIGS = Path(__file__).parents[2] / "configs"


def load(overlay: str, *settings: str) -> RemoteConfig:
    """A shipped overlay with some settings on top; without the overlay, the test is skipped."""
    if not (CONFIGS / f"{overlay}.yaml").exists():
        pytest.skip(f"this project does not run on {overlay}")
    return config.load(CONFIGS, [overlay], settings, RemoteConfig)


PIPELINE = load("local").pipeline

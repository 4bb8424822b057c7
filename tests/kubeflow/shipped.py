"""The shipped configurations, as tests start from them."""

from __future__ import annotations

from pathlib import Path

from pipeline import config
from pipeline.kubeflow.settings import RemoteConfig

CONFIGS = Path(__file__).parents[2] / "configs"


def load(overlay: str, *settings: str) -> RemoteConfig:
    """A shipped overlay with some settings on top."""
    return config.load(CONFIGS, [overlay], settings, RemoteConfig)

"""The configuration of the tests' own project, for a backend."""

from __future__ import annotations

from tests.sample_project import CONFIGS
from tfxkit.config import loading as config
from tfxkit.config.loading import Config


def load(overlay: str, *settings: str) -> Config:
    """An overlay with some settings on top."""
    return config.load(CONFIGS, [overlay], settings)


PIPELINE = load("local").pipeline

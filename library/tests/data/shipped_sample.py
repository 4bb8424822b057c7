"""The sample that this project ships with, for the tests that are about it and about nothing else.

Where `init` has put other data in its place they are skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxkit.config import loading as config

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "configs"
DATA = ROOT / "data" / "taxi"


def _data_path() -> str:
    try:
        return config.load(CONFIGS).data.path
    except config.ConfigError as error:  # tests of the project are about that
        return f"unknown: {error}"


about_the_sample = pytest.mark.skipif(
    _data_path() != "data/taxi",
    reason="configs/base.yaml names other data than the sample: data.path is not data/taxi",
)

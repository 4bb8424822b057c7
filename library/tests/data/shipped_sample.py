"""Configuration and data of the project in this repository, which ships with the sample."""

from __future__ import annotations

from tests.sample_project import ROOT

CONFIGS = ROOT / "configs"
DATA = ROOT / "data" / "taxi"

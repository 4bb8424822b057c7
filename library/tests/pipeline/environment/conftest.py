"""Fixtures for tests of the set-up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.environment.small_project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in which nothing is set up yet, in a folder with a difficult name."""
    root = tmp_path / "größe mit 'Zeichen'"
    root.mkdir()
    return Project(root, tmp_path / "wheels")

"""Small tables as files, and what `init` makes of them."""

from __future__ import annotations

import random
import shutil

import pyarrow as pa
import pytest

from tests.sample_project import CONFIGS
from tfxkit import cli
from tfxkit.onboarding.profile import profile_columns

ROWS = 120


@pytest.fixture
def project(tmp_path):
    """A project without data, with a configuration."""
    shutil.copytree(CONFIGS, tmp_path / "project" / "configs")
    return tmp_path / "project"


@pytest.fixture
def init(project):
    """Runs `init --force` on files and returns the exit code."""

    def run(*files, **options):
        named = [word for name, value in options.items() for word in (f"--{name}", value)]
        paths = [str(file) for file in files]
        place = ["--config-dir", str(project / "configs")]
        return cli.main(["init", "--data", *paths, *named, "--force", *place])

    return run


def rows(**columns):
    """A table as text: each column a list, or a function of the row's number."""
    made = {
        name: [values(i) for i in range(ROWS)] if callable(values) else list(values)
        for name, values in columns.items()
    }
    lines = [",".join(made)]
    lines += [",".join(map(str, row)) for row in zip(*made.values(), strict=True)]
    return "\n".join(lines) + "\n"


def noise(seed):
    """Numbers that have nothing to do with anything."""
    numbers = random.Random(seed)
    return [round(numbers.uniform(0, 100), 3) for _ in range(ROWS)]


def coin(seed):
    """One of two words, by chance."""
    numbers = random.Random(seed)
    return [numbers.choice(["no", "yes"]) for _ in range(ROWS)]


def profiles(columns, **options):
    """Profiles of columns from their names and values."""
    return profile_columns({name: [pa.array(each)] for name, each in columns.items()}, **options)

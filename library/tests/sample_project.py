"""The tests' own small project: what they start from, whatever `configs/` and `data/` hold."""

from __future__ import annotations

import shutil
from pathlib import Path

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent  # the project in whose repository the library lives
SAMPLE = LIBRARY / "tests" / "sample"
CONFIGS = SAMPLE / "configs"
DATA = SAMPLE / "data" / "taxi"


def span(number: int) -> Path:
    """The file of a span."""
    [file] = (DATA / f"span-{number}").glob("*.csv")
    return file


def copy_with_code(target: Path) -> None:
    """Copies the project's packages, and configuration, DAG and models of the tests."""
    ignored = shutil.ignore_patterns("__pycache__")
    for folder, packages in (
        (ROOT, ("components", "models", "pipeline")),
        (LIBRARY / "src", ("tfxkit",)),
        (LIBRARY, ("tests/sample/components", "tests/sample/models")),
    ):
        for package in packages:
            shutil.copytree(folder / package, target / package, ignore=ignored)
    shutil.copy(SAMPLE / "dag.py", target / "tests" / "sample")
    shutil.copytree(CONFIGS, target / "configs")

"""A run without execution, for parts of the page that need only a few of its facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.components.gate_run import DATASET
from tfxkit.config.dataset import Dataset
from tfxkit.report.run import Run
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Status, Summary

STARTED = "2024-05-01T12:00:00+00:00"


def bare_run(root: Path, status: Status, artifacts: Any = None, **summary: Any) -> Run:
    """Builds a run of two columns, x and the label y.

    Args:
        root: Of the outputs.
        status: Of the run.
        artifacts: By step and key.
        summary: Fields of the summary.
    """
    facts = {"run_id": "1", "pipeline": "p", "exit_code": None, "started": STARTED}
    return Run(
        run_dir=root / "runs" / "1",
        outputs=Outputs(root),
        summary=Summary(status=status, seconds=1, pid=1, **facts, **summary),
        dataset=Dataset.model_validate(DATASET),
        steps={},
        artifacts=artifacts or {},
    )

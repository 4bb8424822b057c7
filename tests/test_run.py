"""A run with the configuration `fast`, from the data to predictions of the pushed model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def settings(config, outputs) -> list[str]:
    """Outputs in a temporary folder, a threshold that any model meets, and no announcement."""
    metric = "rmse" if config.dataset.task == "regression" else "log_loss"
    chosen = [
        f"outputs={outputs}",
        "dataset.evaluation.thresholds=null",
        f"dataset.evaluation.thresholds.{metric}.max=1.0e+300",
        "dataset.evaluation.worst_slice=null",
        "dataset.evaluation.gaps=[]",
    ]
    if hasattr(config.steps, "announce"):
        chosen.append("steps.announce={webhook: '', file: ''}")
    return chosen


@pytest.fixture(scope="module")
def pipeline(settings):
    """The command line, with these settings."""

    def run(*arguments: str | Path) -> None:
        command = [sys.executable, "-m", "pipeline", *map(str, arguments), "--config", "fast"]
        command += [word for setting in settings for word in ("--set", setting)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def latest(pipeline, config, outputs) -> Path:
    """The folder of a finished run."""
    pipeline("run")
    return outputs / config.pipeline / "runs" / "latest"


def test_a_model_is_pushed_and_reported(latest):
    summary = json.loads((latest / "summary.json").read_text())
    assert summary["status"] == "pushed"
    assert Path(summary["pushed_path"], "saved_model.pb").is_file()
    assert (latest / "report.html").is_file()


@pytest.mark.usefixtures("latest")
def test_the_pushed_model_predicts_for_a_row_without_its_label(pipeline, config, rows, tmp_path):
    row = rows.head(1).drop(columns=list(config.dataset.label_sources()), errors="ignore")
    row.to_parquet(tmp_path / "row.parquet", index=False)
    pipeline("predict", tmp_path / "row.parquet", "--output", tmp_path / "predicted.csv")
    predicted = pd.read_csv(tmp_path / "predicted.csv")
    answers = predicted.columns.difference(row.columns)
    assert len(answers)
    assert predicted[answers].notna().all(axis=None)

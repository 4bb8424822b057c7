"""Quality of the shipped model: the mean of three seeds, against gradient boosting.

Runs the shipped pipeline once per seed, each in a new process and an empty folder, as after a
checkout. Then fits scikit-learn's gradient boosting with its default settings on the very rows of
the train split, and scores it on those of the eval split.

    PYTHONPATH=library .venv/bin/python library/benchmarks/quality.py [--seeds 1 2 3]

Prints AUC, expected calibration error (15 equal-mass bins) and seconds of the fit for each seed,
their means, the same for gradient boosting, and the ratio of the AUCs. Leaves no files
behind.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from benchmarks.model_columns import model_columns
from benchmarks.plain_metrics import expected_calibration_error
from benchmarks.split_rows import read_rows
from tfxkit.runs.run_log import captured

ROOT = Path(__file__).resolve().parents[2]
Scores = tuple[float, float, float]  # AUC, expected calibration error, seconds of the fit


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        runs = [run_pipeline(seed, Path(folder, str(seed))) for seed in seeds]
        with captured(Path(folder, "libraries.log")):  # TensorFlow has much to say
            boosting = _gradient_boosting(Path(folder, str(seeds[0])))
    aucs, errors, fits = zip(*runs, strict=True)
    mean = statistics.mean(aucs), statistics.mean(errors), statistics.mean(fits)
    print(f"{'':<20}{'AUC':>9}{'ECE':>9}{'fit, s':>9}")
    for seed, scores in zip(seeds, runs, strict=True):
        _print_row(f"pipeline, seed {seed}", scores)
    _print_row("pipeline, mean", mean)
    _print_row("gradient boosting", boosting)
    print(f"{'ratio of the AUCs':<20}{mean[0] / boosting[0]:>9.4f}")


def _print_row(name: str, scores: Scores) -> None:
    auc, error, seconds = scores
    print(f"{name:<20}{auc:>9.4f}{error:>9.4f}{seconds:>9.1f}")


def run_pipeline(seed: int, outputs: Path) -> Scores:
    """Runs the pipeline, and reads its scores from `summary.json` (see docs/summary.md)."""
    command = [sys.executable, "-m", "pipeline", "run", "--config-dir", str(ROOT / "configs")]
    command += ["--set", f"outputs={json.dumps(str(outputs))}", "--set", f"train.seed={seed}"]
    outputs.mkdir()
    environment = {**os.environ, "TMPDIR": str(outputs.parent)}  # TFX leaves files in there
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"The run with seed {seed} was not pushed:\n{done.stdout}{done.stderr}")
    [file] = outputs.glob("*/runs/latest/summary.json")
    summary = json.loads(file.read_text())
    metrics = summary["metrics"]
    return metrics["auc"], metrics["expected_calibration_error"], summary["training_seconds"]


def _gradient_boosting(outputs: Path) -> Scores:
    rows = pandas.concat({split: read_rows(outputs, split) for split in ("train", "eval")})
    # In cents, since floating point knows no exact fifth.
    labels = 5 * (rows.tips * 100).round() > (rows.fare * 100).round()
    features = model_columns(rows)
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    begun = time.monotonic()
    model.fit(features.loc["train"], labels.loc["train"])
    seconds = time.monotonic() - begun
    probabilities = model.predict_proba(features.loc["eval"])[:, 1]
    label = labels.loc["eval"].to_numpy()
    return (
        float(roc_auc_score(label, probabilities)),
        expected_calibration_error(probabilities, label),
        seconds,
    )


if __name__ == "__main__":
    main()

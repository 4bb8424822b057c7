"""Quality on data that nobody prepared: `init` and `run`, against gradient boosting.

Writes the data sets of `own_data_sets.py` to CSV files. For each, in an
empty project: `python -m pipeline init --data FILE.csv`, then `python -m pipeline run`, which must
end with a pushed model. Then fits scikit-learn's gradient boosting with its default settings on the
very rows of the train split, and scores it on those of the eval split.

    PYTHONPATH=library .venv/bin/python library/benchmarks/own_data.py \
        [--only iris wine …] [--seeds 1 2 3]

Prints for each data set the score of both (AUC, accuracy or R², by its task; the median over the
seeds), the difference, the
least that is wanted of it, and the seconds of a run. Leaves no files behind.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from benchmarks.own_data_sets import DATA, LABELS
from benchmarks.split_rows import read_rows
from tfxkit.runs.run_log import captured

ROOT = Path(__file__).resolve().parents[2]
# By task: the metric, and how far below gradient boosting it may be.
WANTED = {"binary": ("auc", -0.01), "multiclass": ("accuracy", -0.02), "regression": ("r2", -0.03)}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--only", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    args = parser.parse_args()
    print(f"{'':<16}{'rows':>6}  {'metric':<9}{'pipeline':>9}{'boosting':>9}", end="")
    print(f"{'diff.':>8}{'wanted':>8}{'s':>5}")
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            _print_row(name, _measure(name, args.seeds, Path(folder)))


def _print_row(name: str, row: dict[str, Any]) -> None:
    difference = row["pipeline"] - row["boosting"]
    print(
        f"{name:<16}{row['rows']:>6}  {row['metric']:<9}{row['pipeline']:>9.4f}"
        f"{row['boosting']:>9.4f}{difference:>+8.4f}{row['wanted']:>+8.2f}{row['seconds']:>5.0f}"
        f"  {'ok' if difference >= row['wanted'] else 'MISSED'}",
        flush=True,
    )


def init_project(name: str, project: Path) -> None:
    """Writes a data set and its configuration, as `init` proposes it, into an empty folder."""
    shutil.copytree(ROOT / "configs", project / "configs")
    file = project / f"{name}.csv"
    DATA[name]().to_csv(file, index=False)
    label = ["--label", LABELS[name]] if name in LABELS else []
    run_pipeline(project, "init", "--data", str(file), *label, "--force")


def _measure(name: str, seeds: list[int], project: Path) -> dict[str, Any]:
    init_project(name, project)
    dataset = yaml.safe_load((project / "configs" / "dataset.yaml").read_text())
    metric, wanted = WANTED[dataset["task"]]
    summaries = []
    begun = time.monotonic()
    for seed in seeds:
        outputs = project / f"outputs-{seed}"
        setting = f"outputs={json.dumps(str(outputs))}"
        chosen = [setting, f"train.seed={seed}", "data.split_at=null"]  # the same rows as ever
        run_pipeline(project, "run", *(word for each in chosen for word in ("--set", each)))
        [summary] = outputs.glob("*/runs/latest/summary.json")
        summaries.append(json.loads(summary.read_text()))
    seconds = (time.monotonic() - begun) / len(seeds)
    with captured(project / "libraries.log"):  # TensorFlow has much to say
        rows = {split: read_rows(outputs, split) for split in ("train", "eval")}
    scores = [one["metrics"][metric] for one in summaries]
    return {
        "rows": sum(map(len, rows.values())),
        "metric": metric,
        "pipeline": statistics.median(scores),
        "boosting": _gradient_boosting(dataset, rows),
        "wanted": wanted,
        "seconds": seconds,
    }


def run_pipeline(project: Path, subcommand: str, *args: str) -> None:
    """Runs a subcommand with the configuration of a project; raises SystemExit if it fails."""
    command = [sys.executable, "-m", "pipeline", subcommand, *args]
    command += ["--config-dir", str(project / "configs")]
    environment = {**os.environ, "TMPDIR": str(project)}  # TFX leaves files in there
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )


def _gradient_boosting(dataset: dict[str, Any], rows: dict[str, pandas.DataFrame]) -> float:
    """The score on the eval split, of the columns that the pipeline's model reads."""
    both = pandas.concat(rows)
    roles = {name: column["role"] for name, column in dataset["columns"].items()}
    features = both[[name for name, role in roles.items() if role != "ignored"]]
    features = features.astype(
        {name: "category" for name, role in roles.items() if role in ("categorical", "hashed")}
    )
    label = both[dataset["label"]["column"]].map(_as_text)
    x, y = features.loc["train"], label.loc["train"]
    x_eval, y_eval = features.loc["eval"], label.loc["eval"]
    if dataset["task"] == "regression":
        predicted = (
            HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0)
            .fit(x, y)
            .predict(x_eval)
        )
        return float(r2_score(y_eval, predicted))
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    model.fit(x, y)
    if dataset["task"] == "binary":
        return float(roc_auc_score(y_eval == model.classes_[1], model.predict_proba(x_eval)[:, 1]))
    return float(accuracy_score(y_eval, model.predict(x_eval)))


def _as_text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()

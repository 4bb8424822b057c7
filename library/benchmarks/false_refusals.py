"""False refusals of the paired test: how often it refuses a model for the seed of its training.

For each data set of `own_data_sets.py`: `init`, then a training of the same rows with each seed,
by the pipeline. Each of these models is held to each other one as its baseline, on the eval split.
Then as many models learn from a share of the rows only, and are held to the first models, on the
eval rows of that share: these are to be refused.

    PYTHONPATH=library .venv/bin/python library/benchmarks/false_refusals.py \
        [--only customers houses taxi] [--seeds 1 2 3 4 5 6] [--share 0.2]

Prints for each data set the worsening of the loss by another seed, in units of the tolerance, and
the share of pairs that are refused with several tolerances; then the same for the smaller windows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas
import yaml

from benchmarks.own_data import init_project, run_pipeline
from benchmarks.own_data_sets import DATA
from tfxkit.config.dataset import Task
from tfxkit.metrics import Rows
from tfxkit.metrics.paired import PairedLoss, PairedLosses
from tfxkit.report.eval_rows import EvalRows, load_eval_rows
from tfxkit.runs.run_log import captured

CONFIDENCE = 0.95
TOLERANCES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    names = ["customers", "houses", "taxi"]
    parser.add_argument("--only", nargs="+", choices=list(DATA), default=names)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6])
    parser.add_argument("--share", type=float, default=0.2)
    args = parser.parse_args()
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            _measure(name, args.seeds, args.share, Path(folder))


def _measure(name: str, seeds: list[int], share: float, project: Path) -> None:
    init_project(name, project)
    dataset = yaml.safe_load((project / "configs" / "dataset.yaml").read_text())
    task = Task(dataset["task"])
    [file] = project.glob("data/*/span-1/*.csv")
    small = project / "small" / "span-1" / file.name
    small.parent.mkdir(parents=True)
    pandas.read_csv(file).sample(frac=share, random_state=0).to_csv(small, index=False)
    whole = [_train(project, seed, file.parents[1]) for seed in seeds]
    window = [_train(project, seed, small.parents[1]) for seed in seeds]
    with captured(project / "libraries.log"):  # TensorFlow has much to say
        rows = [_predict(project, model, whole[0]) for model in whole]
        before, now = ([_predict(project, m, window[0]) for m in ms] for ms in (whole, window))
    _print(f"{name}: another seed", _compare(task, itertools.permutations(rows, 2)))
    _print(f"{name}: {share:.0%} of the rows", _compare(task, itertools.product(now, before)))


def _train(project: Path, seed: int, data: Path) -> Path:
    """Trains a model, and returns the folder of all outputs."""
    outputs = project / f"outputs-{data.name}-{seed}"
    settings = {"outputs": outputs, "data.path": data}
    pairs = [f"{key}={json.dumps(str(value))}" for key, value in settings.items()]
    sets = [part for pair in (*pairs, f"train.seed={seed}") for part in ("--set", pair)]
    run_pipeline(project, "run", "--to", "Trainer", *sets)
    return outputs


def _predict(project: Path, model: Path, data: Path) -> EvalRows:
    """Predictions of a model for the eval split of another run."""
    [saved] = model.glob("*/artifacts/Trainer/model/*/Format-Serving")
    [examples] = data.glob("*/artifacts/ExampleGen/examples/*")
    return load_eval_rows(str(saved), str(examples), (), project)


def _compare(task: Task, pairs: Iterable[tuple[EvalRows, EvalRows]]) -> list[PairedLosses]:
    loss = PairedLoss(task)
    compared = []
    for candidate, baseline in pairs:
        outputs = [r.predictions.reshape(len(r.labels), -1) for r in (candidate, baseline)]
        rows = Rows.of(candidate.labels, np.concatenate(outputs, axis=1))
        compared.append(loss.finish(loss.measure(rows)))
    return compared


def _print(title: str, compared: list[PairedLosses]) -> None:
    worse = np.array([each.difference / each.scale() for each in compared])
    surely = np.array([each.interval(CONFIDENCE)[0] / each.scale() for each in compared])
    print(f"{title}: {len(compared)} pairs on {compared[0].rows} rows")
    print(f"  worse by {np.median(worse):+.3f} (median), {worse.max():+.3f} (most)")
    refused = (f"{np.mean(surely > tolerance):.3f} at {tolerance:g}" for tolerance in TOLERANCES)
    print(f"  refused: {', '.join(refused)}", flush=True)


if __name__ == "__main__":
    main()

"""CPU seconds of the report's intervals, and what scikit-learn would take for the same resamples.

Rows are generated, in three ways to slice with ten slices each. All metrics of all slices are
measured on each resample. Scikit-learn measures the two areas under curves alone, with the weights
of a few resamples; its seconds are scaled to all of them.

    PYTHONPATH=library .venv/bin/python library/benchmarks/intervals.py \
        [--rows 5000 10000 50000] [--classes 2 20] [--functions models.metrics.top_decile_lift]

Prints a row for each number of classes and rows: seconds for one model, for two on the same
resamples, scikit-learn's for one, and how often the first go into the last.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn import metrics as sk

from tfxkit.config.dataset import MetricSettings, Task
from tfxkit.metrics.catalogue import CATALOGUE, define
from tfxkit.metrics.definition import Metric, Weights
from tfxkit.report import bootstrap
from tfxkit.report.eval_rows import EvalRows

WAYS, SLICES = 3, 10
FEW = 2  # resamples that scikit-learn measures


def main() -> None:
    """Measures, and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 10_000, 50_000])
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 20])
    parser.add_argument("--functions", nargs="*", default=[], help="dotted names, measured besides")
    args = parser.parse_args()
    bootstrap.intervals(metrics_of(2, []), answers(100, 2))  # what is loaded at the first call
    print("| classes | rows | resamples | one model, s | two, s | scikit-learn, one, s | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for classes in args.classes:
        for count in args.rows:
            _print_row(classes, count, metrics_of(classes, args.functions))


def metrics_of(classes: int, functions: list[str]) -> dict[str, Metric]:
    """Those that are always measured, and functions."""
    task = Task.BINARY if classes == 2 else Task.MULTICLASS  # noqa: PLR2004
    always = {name: MetricSettings() for name, entry in CATALOGUE[task].items() if entry.always}
    named = {name: MetricSettings(function=name) for name in functions}
    return {name: define(task, (), name, one) for name, one in (always | named).items()}


def _print_row(classes: int, count: int, metrics: dict[str, Metric]) -> None:
    rows = answers(count, classes)
    one = cpu_seconds(lambda: bootstrap.intervals(metrics, rows))
    two = cpu_seconds(lambda: bootstrap.intervals(metrics, rows, rows))
    blocks = list(bootstrap.resample_blocks(count))
    resamples = sum(block.shape[1] for block in blocks)
    few = blocks[0][:, :FEW]
    other = cpu_seconds(lambda: with_scikit_learn(rows, few)) * resamples / FEW
    cells = (classes, count, resamples, f"{one:.2f}", f"{two:.2f}", f"{other:.0f}")
    print(f"| {' | '.join(map(str, cells))} | {other / one:.0f} |", flush=True)


def answers(count: int, classes: int) -> EvalRows:
    """Rows of a model that is neither perfect nor useless."""
    random = np.random.default_rng(1)
    labels = random.integers(0, classes, count)
    logits = random.normal(0, 1, (count, classes)) + np.eye(classes)[labels]
    odds = np.exp(logits).astype(np.float32).astype(np.float64)
    predictions = odds / odds.sum(axis=1, keepdims=True)
    codes = random.integers(0, SLICES, (WAYS, count)) + SLICES * np.arange(WAYS)[:, np.newaxis]
    return EvalRows(
        labels=labels.astype(np.float64),
        predictions=predictions[:, 1] if classes == 2 else predictions,  # noqa: PLR2004
        names=tuple(f"slice {number}" for number in range(WAYS * SLICES)),
        slice_of=codes.astype(np.int32),
        every=1,
    )


def with_scikit_learn(rows: EvalRows, weights: Weights) -> None:
    """The areas under the curves of each class, in all rows and in each slice."""
    scores = rows.predictions if rows.predictions.ndim > 1 else rows.predictions[:, np.newaxis]
    first = 0 if rows.predictions.ndim > 1 else 1
    for members in (np.arange(len(rows.labels)), *rows.slices().values()):
        for column in range(scores.shape[1]):
            hit, score = rows.labels[members] == column + first, scores[members, column]
            for weight in weights[members].T:
                sk.roc_auc_score(hit, score, sample_weight=weight)
                sk.average_precision_score(hit, score, sample_weight=weight)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process, all its threads together."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()

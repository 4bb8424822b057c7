"""Quality of the shipped model: the mean of three seeds, against gradient boosting.

Runs the pipeline of `configs/` once per seed in a folder of its own, then fits scikit-learn's
gradient boosting on the very rows of the train split and scores it on those of the eval split.

    python benchmarks/quality.py [--seeds 1 2 3]

Prints a table: AUC and expected calibration error (15 equal-mass bins) per seed, their means,
seconds of training, and the same for gradient boosting with its default settings.
"""

from __future__ import annotations

import argparse
import glob
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as outputs:
        results = [_run_pipeline(seed, Path(outputs)) for seed in seeds]
        boosted = _gradient_boosting(Path(outputs))
    print(f"\n{'':<24}{'AUC':>9}{'ECE':>9}{'fit, s':>9}")
    for seed, row in zip(seeds, results, strict=True):
        print(f"{f'pipeline, seed {seed}':<24}{row[0]:>9.4f}{row[1]:>9.4f}{row[2]:>9.1f}")
    mean = [statistics.mean(column) for column in zip(*results, strict=True)]
    print(f"{'pipeline, mean':<24}{mean[0]:>9.4f}{mean[1]:>9.4f}{mean[2]:>9.1f}")
    print(f"{'gradient boosting':<24}{boosted[0]:>9.4f}{boosted[1]:>9.4f}{boosted[2]:>9.1f}")
    print(f"{'ratio of the AUCs':<24}{mean[0] / boosted[0]:>9.4f}")


def _run_pipeline(seed: int, outputs: Path) -> tuple[float, float, float]:
    from pipeline import config, summary
    from pipeline.local_run import execute, outputs_of

    settings = [f"outputs={outputs}", f"train.seed={seed}"]
    loaded = config.load(ROOT / "configs", ["local"], settings)
    execute(loaded, ROOT / "configs")
    result = summary.read(outputs_of(loaded, ROOT / "configs").runs / "latest")
    if result.auc is None or result.expected_calibration_error is None:
        raise SystemExit(f"The run with seed {seed} has no metrics: {result.error}")
    return result.auc, result.expected_calibration_error, result.training_seconds or float("nan")


def _gradient_boosting(outputs: Path) -> tuple[float, float, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    from components.evaluator.calibration import expected_calibration_error

    frames = {split: _rows(outputs, split) for split in ("train", "eval")}
    features = {split: frame.drop(columns=["label"]) for split, frame in frames.items()}
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    begun = time.monotonic()
    model.fit(features["train"], frames["train"].label)
    seconds = time.monotonic() - begun
    predictions = model.predict_proba(features["eval"])[:, 1]
    labels = frames["eval"].label.to_numpy()
    error = expected_calibration_error(labels, predictions)
    return float(roc_auc_score(labels, predictions)), error, seconds


def _rows(outputs: Path, split: str):  # noqa: ANN202  (pandas is imported late)
    """The rows of a split as ExampleGen wrote them, text as categories, with the label."""
    import pandas
    import tensorflow

    pattern = f"{outputs}/*/artifacts/ExampleGen/examples/*/Split-{split}/*"
    rows = []
    for record in tensorflow.data.TFRecordDataset(sorted(glob.glob(pattern)), "GZIP"):
        example = tensorflow.train.Example.FromString(record.numpy())
        row = {}
        for name, feature in example.features.feature.items():
            values = getattr(feature, feature.WhichOneof("kind") or "int64_list").value
            row[name] = values[0] if values else None
        rows.append(row)
    frame = pandas.DataFrame(rows)
    frame["label"] = (frame.tips > 0.2 * frame.fare).astype(int)
    frame = frame.drop(columns=["tips"])
    for name in frame.select_dtypes("object"):
        frame[name] = pandas.Categorical(frame[name].str.decode("utf-8"))
    return frame


if __name__ == "__main__":
    main()

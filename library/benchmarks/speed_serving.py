"""Speed of a pushed model: its signature, `predict`, and the Keras model called directly.

    PYTHONPATH=library .venv/bin/python library/benchmarks/speed_serving.py \
        [--outputs FOLDER] [--rows 300000]

The signature `serving_default` takes serialized `tf.Example`s; it parses and transforms them in its
graph. The Keras model gets features that are parsed and transformed already, which is the least
that any serving of it can take. Prints the median latency of a call for 1, 32 and 1,024 rows, rows
a second, and the ratio; then rows a second of `predict` on a CSV file, with its start and without
(the slope between a small file and a large one), beside the model called with 1,024 rows at a time.
`--outputs` is where a run has pushed a model to; without it, the shipped pipeline runs first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from benchmarks import watched
from benchmarks.quality import run_pipeline
from benchmarks.resampled_rows import write_rows
from models.network import build_model
from tfxkit.config.settings import TrainerConfig
from tfxkit.features.model_inputs import model_features
from tfxkit.storage import served_model
from tfxkit.training import weights
from tfxkit.training.building import build, predict

BATCHES = (1, 32, 1024)
_CALLS, _WARM_UP = 200, 5
_LEAST_ROWS = 50_000


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--outputs", type=Path)
    parser.add_argument("--rows", type=int, default=300_000)
    args = parser.parse_args()
    if args.rows < _LEAST_ROWS:
        parser.error(f"--rows: {_LEAST_ROWS:,} or more, or the start of predict is all that shows")
    with tempfile.TemporaryDirectory() as folder:
        outputs = args.outputs or Path(folder, "run")
        if not args.outputs:
            run_pipeline(1, outputs)
        least = _print_calls(outputs)
        _print_predict(outputs, Path(folder), args.rows, least)


def _print_calls(outputs: Path) -> float:
    """Prints a line for each size, and returns the most rows a second of the Keras model."""
    paces = []
    [root] = outputs.glob("*/serving_model")
    version = max((path for path in root.iterdir() if path.name.isdigit()), key=_number)
    [*_, graph] = sorted(root.parent.glob("artifacts/Transform/transform_graph/*"))
    rows = _rows(root.parent)
    loaded = tf.saved_model.load(str(version))  # kept: its signatures do not keep it
    signature = loaded.signatures["serving_default"]
    direct, features = _keras_model(str(version), str(graph), rows)
    print(f"{'rows':>6}{'signature, ms':>16}{'Keras, ms':>12}{'ratio':>8}{'signature, rows/s':>20}")
    for size in BATCHES:
        examples = tf.constant(rows[:size])
        given = {name: values[:size] for name, values in features.items()}
        served = _milliseconds(lambda examples=examples: signature(examples=examples))
        least = _milliseconds(lambda given=given: direct(given))
        pace = size / served * 1000
        paces.append(size / least * 1000)
        print(f"{size:>6,}{served:>16.2f}{least:>12.2f}{served / least:>8.2f}{pace:>20,.0f}")
    return max(paces)


def _number(version: Path) -> int:
    return int(version.name)


def _keras_model(
    version: str, graph: str, rows: list[bytes]
) -> tuple[Callable[[dict[str, tf.Tensor]], tf.Tensor], dict[str, tf.Tensor]]:
    """The model as one function of its features, and the features of the rows."""
    config = TrainerConfig.model_validate(served_model.read_json(version, served_model.CONFIG))
    output = tft.TFTransformOutput(graph)
    inputs = model_features(output)
    model = build(build_model, inputs, config)
    learned = weights.read(version)
    assert learned is not None  # noqa: S101 (pushed by this code)
    learned.assign_to(model)
    transform = output.transform_features_layer()
    features = transform(tf.io.parse_example(rows, output.raw_feature_spec()))
    given = {feature.name: features[feature.name] for feature in inputs}
    call = tf.function(lambda rows: predict(model, inputs, rows), reduce_retracing=True)
    return call, given


def _rows(pipeline_outputs: Path) -> list[bytes]:
    [*_, examples] = sorted(pipeline_outputs.glob("artifacts/ExampleGen/examples/*"))
    files = sorted(map(str, examples.glob("Split-eval/*.gz")))
    records = tf.data.TFRecordDataset(files, "GZIP").take(max(BATCHES))
    return list(records.as_numpy_iterator())


def _milliseconds(call: Callable[[], object]) -> float:
    """The median of many calls, after a few that warm up."""
    seconds = []
    for number in range(_CALLS + _WARM_UP):
        begun = time.perf_counter()
        call()
        if number >= _WARM_UP:
            seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds)) * 1000


def _print_predict(outputs: Path, folder: Path, rows: int, least: float) -> None:
    """Of a small file and of one with all these rows; `least` is Keras' pace, in rows a second."""
    command = [sys.executable, "-m", "pipeline", "predict", "--set", f'outputs="{outputs}"']
    taken = {}
    for count in (rows // 100, rows):
        write_rows(folder / str(count), count)
        csv = folder / f"{count}.csv"
        with csv.open("wb") as file:
            for number, part in enumerate(sorted((folder / str(count)).glob("*/*.csv"))):
                lines = part.read_bytes()
                file.write(lines[lines.index(b"\n") + 1 :] if number else lines)
        target = ["-o", str(folder / "predicted.csv"), str(csv)]
        taken[count] = watched.run([*command, *target], folder / "log.txt", {})
        peak = taken[count].numbers()["peak_mib"]
        print(f"predict: {count:,} rows in {taken[count].seconds} s, {peak:,.0f} MiB")
    few, many = taken
    pace = (many - few) / (taken[many].seconds - taken[few].seconds)
    print(
        f"predict: {many / taken[many].seconds:,.0f} rows a second, {pace:,.0f} without its start"
    )
    print(f"Keras model directly: {least:,.0f} rows a second, {least / pace:.2f} times that")


if __name__ == "__main__":
    main()

"""Cost of a row: CPU seconds for each step that an engine distributes, to size an engine.

    PYTHONPATH=library .venv/bin/python library/benchmarks/engine_cost.py

Runs those steps on two sizes of data, resampled from the sample's rows, in this process with Beam's
direct runner, and takes the slope: what it costs to start is left out. CPU time and not the time
on the clock, so that what else runs on the machine matters little.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.resampled_rows import write_rows
from tfxkit.config import loading as configs
from tfxkit.config.loading import SCHEMA_FILE

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

STEPS = ("ExampleGen", "StatisticsGen", "Transform", "Evaluator")


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    return sum(os.times()[:4])


def measure(count: int, folder: Path) -> dict[str, float]:
    """CPU seconds of each step on `count` rows."""
    from tfxkit.runs import runner
    from tfxkit.runs.outputs import Outputs
    from tfxkit.runs.places import Places

    write_rows(folder / "data", count)
    settings = ["train.epochs=1", "dataset.validation.stop_at=never"]
    found = configs.load(CONFIGS, ["fast"], settings)
    outputs = Outputs(folder / "outputs")
    places = Places(
        data=str(folder / "data"),
        schema=str(CONFIGS / SCHEMA_FILE),
        serving=str(outputs.serving),
        checkpoints=str(outputs.checkpoints),
        bulk_data="",
        serving_statistics=None,
    )
    outputs.metadata.parent.mkdir(parents=True)
    seconds: dict[str, float] = {}
    begun = [0.0]

    def start(name: str) -> None:
        begun[0] = cpu_seconds()

    ir = runner.compile_pipeline(found, places, outputs)
    runner.run(
        ir,
        outputs,
        "run",
        start,
        lambda step: seconds.__setitem__(step.name, cpu_seconds() - begun[0]),
    )
    return seconds


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=(50_000, 250_000))
    args = parser.parse_args()
    few, many = args.rows
    with tempfile.TemporaryDirectory() as folder:
        measure(4_000, Path(folder) / "warm")  # what is imported and traced once
        first, second = (measure(rows, Path(folder) / str(rows)) for rows in (few, many))
    print(f"{'step':16}{'CPU s per million rows':>24}{'rows per core and second':>28}")
    total = 0.0
    for step in STEPS:
        slope = (second[step] - first[step]) / (many - few)
        total += slope
        print(f"{step:16}{slope * 1e6:24.0f}{1 / slope:28.0f}")
    print(f"{'all':16}{total * 1e6:24.0f}{1 / total:28.0f}")


if __name__ == "__main__":
    main()

"""Speed of a whole run, beside that of the taxi pipeline that TFX ships, on the same rows.

    PYTHONPATH=library .venv/bin/python library/benchmarks/speed.py \
        [--rows 15000 300000] [--alone 1000000 …] [--rounds 3]

Each run is a new process in an empty folder, as after a checkout. The two pipelines take turns,
round after round; medians are shown, and ratios of medians. `--alone` is for sizes that only this
project's pipeline runs on. With `--json FILE` and `--markdown FILE` the results are kept.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import watched
from benchmarks.resampled_rows import write_rows
from benchmarks.speed_steps import steps_taken
from benchmarks.speed_table import markdown

ROOT = Path(__file__).resolve().parents[2]
OURS, STOCK = "ours", "stock"
# Names of steps that do the same.
_SAME = {"CsvExampleGen": "ExampleGen", "SchemaGen": "ImportSchemaGen"}


def main() -> None:
    """Measures, prints, and writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[15_000, 300_000])
    parser.add_argument("--alone", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    results = []
    for rows in sorted({*args.rows, *args.alone}):
        who = (STOCK, OURS) if rows in args.rows else (OURS,)
        rounds = args.rounds if rows in args.rows else 1
        with tempfile.TemporaryDirectory() as folder:
            results.append(_measure(Path(folder), rows, who, rounds))
        report = {"machine": _machine(), "results": results}
        if args.json:
            args.json.write_text(json.dumps(report, indent=1) + "\n")
        if args.markdown:
            args.markdown.write_text(markdown(report))
    print(markdown(report))


def _measure(folder: Path, rows: int, who: tuple[str, ...], rounds: int) -> dict[str, Any]:
    data = folder / "data"
    write_rows(data, rows)
    runs: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for number in range(rounds):
        for name in who:
            place = folder / f"{name}-{number}"
            place.mkdir()
            run = _ours if name == OURS else _stock
            runs[name].append(run(data, place))
            taken = runs[name][-1]["whole"]
            print(f"{rows:,} rows, round {number + 1}, {name}: {taken}", file=sys.stderr)
    return {"rows": rows, **{name: _median(runs[name]) for name in who}}


def _ours(data: Path, place: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "pipeline", "run", "--config-dir", str(ROOT / "configs")]
    for key, value in (("outputs", place), ("data.path", data)):
        command += ["--set", f"{key}={json.dumps(str(value))}"]
    taken = watched.run(command, place / "log.txt", {"TMPDIR": str(place)})
    [file] = place.glob("*/runs/latest/summary.json")
    summary = json.loads(file.read_text())
    [metadata] = place.glob("*/metadata.sqlite")
    steps = steps_taken(metadata, taken.memory)
    again = watched.run(command, place / "again.txt", {"TMPDIR": str(place)})
    third = watched.run(command, place / "third.txt", {"TMPDIR": str(place)})
    return {
        "whole": taken.numbers(),
        "second run": again.numbers(),  # the push has changed what Evaluator compares with
        "nothing changed": third.numbers(),
        "steps": steps,
        "auc": summary["metrics"]["auc"],
    }


def _stock(data: Path, place: Path) -> dict[str, Any]:
    script = str(Path(__file__).with_name("stock_taxi.py"))
    command = [sys.executable, script, str(data / "span-1"), str(place / "stock")]
    taken = watched.run(command, place / "log.txt", {"TMPDIR": str(place)})
    steps = steps_taken(place / "stock" / "metadata.db", taken.memory)
    return {
        "whole": taken.numbers(),
        "steps": {_SAME.get(name, name): step for name, step in steps.items()},
    }


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each number, at any depth."""
    return {
        key: _median([run[key] for run in runs])
        if isinstance(value, dict)
        else _middle([run[key] for run in runs])
        for key, value in runs[0].items()
    }


def _middle(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return round(statistics.median(known), 4) if known else None


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()

"""The same run on Flink, whose processes are started on this machine: for the plot beside ours.

    PYTHONPATH=library .venv/bin/python library/benchmarks/speed_engine.py \
        RESULTS.json [--rows 15000 300000]

Adds what it measures to what `speed.py --json` wrote. Needs Java 17 and Maven, as the tests of
engines do. On one machine an engine has no more cores than Beam's own runner: what shows is its
price, not its gain.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import watched
from benchmarks.resampled_rows import write_rows
from tests.engines import jars
from tests.engines.flink import TASK_MANAGERS, FlinkCluster

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Measures, and adds to the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--rows", type=int, nargs="*", default=[15_000, 300_000])
    args = parser.parse_args()
    if told := jars.missing_tools():
        raise SystemExit(told)
    report = json.loads(args.results.read_text())
    by_rows = {one["rows"]: one for one in report["results"]}
    for rows in args.rows:
        with tempfile.TemporaryDirectory() as folder:
            taken = _measure(Path(folder), rows)
        print(f"{rows:,} rows: {taken}", file=sys.stderr)
        by_rows.setdefault(rows, {"rows": rows})["flink"] = {"whole": taken}
        report["results"] = sorted(by_rows.values(), key=lambda one: one["rows"])
        args.results.write_text(json.dumps(report, indent=1) + "\n")


def _measure(folder: Path, rows: int) -> dict[str, float]:
    data, outputs = folder / "data", folder / "outputs"
    write_rows(data, rows)
    cluster = FlinkCluster(folder / "flink", jars.class_path("flink", folder), {})
    section = {
        "job_endpoint": cluster.job_endpoint,
        "worker_pool": cluster.worker_pool,
        "parallelism": len(TASK_MANAGERS),
    }
    settings: dict[str, Any] = {
        "outputs": str(outputs),
        "data.path": str(data),
        "beam.flink": section,
        "beam.options.files_to_stage": str(cluster.smallest_jar()),
    }
    command = [sys.executable, "-m", "pipeline", "run", "--config-dir", str(ROOT / "configs")]
    command += ["--engine", "flink"]
    for key, value in settings.items():
        command += ["--set", f"{key}={json.dumps(value)}"]
    try:
        cluster.start()
        beside = [process.pid for process in cluster.processes.running.values()]
        taken = watched.run(command, folder / "log.txt", {}, beside)
        numbers = taken.numbers()
        del numbers["cpu_seconds"]  # of the engine, which is no child of the command, not known
        return numbers
    finally:
        cluster.processes.stop()


if __name__ == "__main__":
    main()

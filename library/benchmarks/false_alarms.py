"""False alarms of the data gate: the share of bootstrap samples of good data that it stops.

Each sample has rows drawn with replacement from all rows of the configured spans, so it is what
another delivery of the same world could have been. It is held to the schema, to the domain of the
label, to the thresholds on drift (from all rows), and to target leakage: by one column, and for a
regression by a weighted sum. Repeated rows, of which such a sample is full, are counted in samples
without replacement. Statistics are computed in memory, as StatisticsGen computes them; there is no
run.

    PYTHONPATH=library .venv/bin/python library/benchmarks/false_alarms.py \
        [--samples 200] [--rows 500 5000] [--data customers houses penguins]

Prints, for each number of rows, how many of the samples raised an alarm and why. With `--data`, for
data sets of `own_data_sets.py` instead of the sample, as `init` describes them.
"""

from __future__ import annotations

import argparse
import collections
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from benchmarks.own_data import init_project
from benchmarks.own_data_sets import DATA
from tfxkit.components.data_gate import drift
from tfxkit.components.data_gate.findings import GateReport, anomaly_findings
from tfxkit.components.data_gate.labels import label_findings
from tfxkit.components.data_gate.rows import leaks_in
from tfxkit.components.example_gen.encoding import encode_batch
from tfxkit.components.example_gen.outcomes import Repeats, repeated_share
from tfxkit.components.example_gen.spans import range_config, select
from tfxkit.components.example_gen.tables import read_batches
from tfxkit.config import loading as config
from tfxkit.config.loading import Config, project_path
from tfxkit.metrics.association import SAMPLE_ROWS
from tfxkit.storage.artifacts import ColumnStatistics, columns_in
from tfxkit.values.reading import Reading

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
Z = 1.96  # of a two-sided interval of 95 %


class Data:
    """All rows: as TFDV wants them, and as examples."""

    def __init__(self, configs: Path) -> None:
        """Reads the spans of a configuration."""
        loaded: Config = config.load(configs, ["local"])
        schema = text_format.Parse((configs / config.SCHEMA_FILE).read_text(), schema_pb2.Schema())
        base = project_path(loaded.data.path, configs)
        reading = Reading.of(schema, loaded.data.csv, loaded.data.columns)
        files = select(base, range_config(loaded.data.spans)).files
        batches = [b for file in files for b in read_batches(file, reading, loaded.data.csv)]
        table = pa.Table.from_batches(batches).combine_chunks()
        [whole] = table.to_batches()
        self.schema, self.dataset = schema, loaded.dataset
        self.examples = encode_batch(whole).to_pylist()
        lists = [_as_lists(column) for column in whole.columns]
        self._lists = pa.RecordBatch.from_arrays(lists, whole.schema.names)

    def statistics(self, rows: np.ndarray | None = None) -> DatasetFeatureStatisticsList:
        """Of all rows, or of those with some numbers."""
        batch = self._lists if rows is None else self._lists.take(pa.array(rows))
        return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 5000])
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=[])
    args = parser.parse_args()
    if not args.data:
        _print_rates("sample", Data(CONFIGS), args.rows, args.samples)
    for name in args.data:
        with tempfile.TemporaryDirectory() as folder:
            init_project(name, Path(folder))
            _print_rates(name, Data(Path(folder) / "configs"), args.rows, args.samples)


def _print_rates(name: str, data: Data, sizes: list[int], samples: int) -> None:
    before = columns_in(data.statistics())
    print(f"{name}: {len(data.examples)} rows; {samples} samples of each size")
    for size in sizes:
        random = np.random.default_rng(0)
        stopped, why = 0, collections.Counter[str]()
        for _ in range(samples):
            found = set(_alarms(data, before, random, size))
            stopped += any(not alarm.startswith("warning") for alarm in found)
            why.update(found)
        low, high = _interval(stopped, samples)
        print(
            f"{size:>6} rows: {stopped} stopped, false-alarm rate {stopped / samples:.3f} "
            f"(95 %: {low:.3f} to {high:.3f})",
            flush=True,
        )
        for alarm, count in why.most_common():
            print(f"{count:>14} × {alarm}")


def _alarms(
    data: Data, before: ColumnStatistics, random: np.random.Generator, size: int
) -> Iterator[str]:
    schema, validation = data.schema, data.dataset.validation
    rows = random.integers(0, len(data.examples), size)
    statistics = data.statistics(rows)
    report = GateReport(stop_at=validation.stop_at)
    drift.measure(
        "drift", {"all": columns_in(statistics)}, {"all": before}, validation.drift, report
    )
    report.findings += anomaly_findings(
        tfdv.validate_statistics(statistics, schema), "all", schema, columns_in(statistics)
    )
    splits = {"train": columns_in(statistics)}
    report.findings += label_findings(splits, {}, None, schema, data.dataset)
    examples = [data.examples[row] for row in rows[:SAMPLE_ROWS]]
    allowed = validation.max_association or 1.0
    report.findings += leaks_in(examples, "train", schema, data.dataset, allowed=allowed)[1]
    stopping = report.stopping()
    for finding in report.findings:
        prefix = "" if finding in stopping else "warning: "
        yield f"{prefix}{finding.column}: {finding.kind}"
    repeats = Repeats()
    distinct = random.permutation(len(data.examples))[:size]
    repeats.add_all(hash(data.examples[row]) & (1 << 62) - 1 for row in distinct)
    if repeated_share([repeats.sketch()]) > (validation.max_repeated or 1.0):
        yield "warning: repeated rows"


def _as_lists(column: pa.Array) -> pa.Array:
    """Each value as a list of one, as examples have it; what is missing stays missing."""
    there = np.asarray(column.is_valid())
    offsets = pa.array(
        np.concatenate([[0], np.cumsum(there)]), pa.int64(), mask=np.append(~there, False)
    )
    return pa.LargeListArray.from_arrays(offsets, column.drop_null())


def _interval(count: int, of: int) -> tuple[float, float]:
    """Wilson's interval for a share."""
    share, spread = count / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


if __name__ == "__main__":
    main()

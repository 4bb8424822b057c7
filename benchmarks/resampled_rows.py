"""Any number of rows like those of the sample: drawn from it at random, with noise.

    .venv/bin/python benchmarks/resampled_rows.py FOLDER ROWS

Writes `FOLDER/span-1/part-<n>.csv`, the same bytes each time; a million rows take some seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "taxi"
SEED = 0
ROWS_PER_FILE = 250_000
_NOISE = 0.05  # standard deviation of the logarithm of a factor
_QUARTERS, _QUARTER_S = 4, 900  # times in the sample are full quarters of an hour
_PLAIN = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
_CENT, _TENTH = 2, 1  # digits after the point


def write_rows(folder: Path, rows: int) -> None:
    """Writes the files.

    Args:
        folder: Where to write; its folder `span-1` gets the files.
        rows: How many, over all files.
    """
    parts = [pyarrow.csv.read_csv(path) for path in sorted(SAMPLE.glob("*/*.csv"))]
    sample = pa.concat_tables(parts, promote_options="default")
    random = np.random.default_rng(SEED)
    span = folder / "span-1"
    span.mkdir(parents=True)
    for number, begin in enumerate(range(0, rows, ROWS_PER_FILE)):
        count = min(ROWS_PER_FILE, rows - begin)
        chosen = sample.take(pa.array(random.integers(0, len(sample), count)))
        rows_with_noise = _with_noise(chosen, random)
        with (span / f"part-{number:03}.csv").open("wb") as file:
            # Arrow puts the names in quotes, which the stock reader takes for part of them.
            file.write(",".join(sample.column_names).encode() + b"\n")
            pyarrow.csv.write_csv(rows_with_noise, file, _PLAIN)


def _with_noise(table: pa.Table, random: np.random.Generator) -> pa.Table:
    """Other times of the same hour, distances and amounts; who tips a fifth still does."""
    rows = len(table)
    start = table["trip_start_timestamp"].to_numpy()
    hour = start - start % (_QUARTERS * _QUARTER_S)
    factor = np.exp(random.normal(0, _NOISE, rows))
    fare, tips = table["fare"].to_numpy(), table["tips"].to_numpy()
    longer = np.exp(random.normal(0, _NOISE, rows))
    new_fare = np.round(fare * factor, _CENT)
    share = np.divide(tips, fare, out=np.zeros(rows), where=fare > 0)
    columns = {
        "trip_start_timestamp": hour + _QUARTER_S * random.integers(0, _QUARTERS, rows),
        "fare": new_fare,
        "tips": np.round(new_fare * share, _CENT),
        "trip_miles": np.round(table["trip_miles"].to_numpy() * longer, _TENTH),
    }
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return table


if __name__ == "__main__":
    write_rows(Path(sys.argv[1]), int(sys.argv[2]))

"""Any number of rows like those of the sample: drawn from it at random, with noise.

Who tips is drawn anew for each row, with the probability that gradient boosting gives it. Else each
row of the sample would come many times with the same answer, for a model to learn by heart.

    PYTHONPATH=library .venv/bin/python library/benchmarks/resampled_rows.py FOLDER ROWS

Writes `FOLDER/span-1/part-<n>.csv`, the same bytes each time; a million rows take some seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.model_columns import model_columns

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "taxi"
SEED = 0
ROWS_PER_FILE = 250_000
_A_FIFTH = 0.2
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
    tips = _Tips(sample)
    most = {name: sample[name].to_numpy().max() for name in ("fare", "trip_miles")}
    random = np.random.default_rng(SEED)
    span = folder / "span-1"
    span.mkdir(parents=True)
    for number, begin in enumerate(range(0, rows, ROWS_PER_FILE)):
        count = min(ROWS_PER_FILE, rows - begin)
        chosen = sample.take(pa.array(random.integers(0, len(sample), count)))
        rows_with_noise = _with_noise(chosen, most, tips, random)
        with (span / f"part-{number:03}.csv").open("wb") as file:
            # Arrow puts the names in quotes, which the stock reader takes for part of them.
            file.write(",".join(sample.column_names).encode() + b"\n")
            pyarrow.csv.write_csv(rows_with_noise, file, _PLAIN)


class _Tips:
    """Who tips more than a fifth of the fare, and how much."""

    def __init__(self, sample: pa.Table) -> None:
        fare, tips = sample["fare"].to_numpy(), sample["tips"].to_numpy()
        self._most = tips.max()
        share = np.divide(tips, fare, out=np.zeros(len(sample)), where=fare > 0)
        tipped = share > _A_FIFTH
        self._shares = {True: share[tipped], False: share[~tipped]}
        self._model = HistGradientBoostingClassifier(
            categorical_features="from_dtype", random_state=SEED
        ).fit(model_columns(sample.to_pandas()), tipped)

    def draw(self, rows: pa.Table, random: np.random.Generator) -> np.ndarray:
        """Tips, as a share of each row's fare, and never more than anybody gave."""
        likely = self._model.predict_proba(model_columns(rows.to_pandas()))[:, 1]
        tipped = random.random(len(rows)) < likely
        high, low = (random.choice(self._shares[side], len(rows)) for side in (True, False))
        share = np.where(tipped, high, low)
        return np.round(np.minimum(rows["fare"].to_numpy() * share, self._most), _CENT)


def _with_noise(
    table: pa.Table, most: dict[str, float], tips: _Tips, random: np.random.Generator
) -> pa.Table:
    """Other times of the same hour, distances and amounts up to the most; and other tips."""
    rows = len(table)
    start = table["trip_start_timestamp"].to_numpy()
    hour = start - start % (_QUARTERS * _QUARTER_S)
    columns = {
        "trip_start_timestamp": hour + _QUARTER_S * random.integers(0, _QUARTERS, rows),
    }
    for name, digits in (("fare", _CENT), ("trip_miles", _TENTH)):
        values = table[name].to_numpy() * np.exp(random.normal(0, _NOISE, rows))
        columns[name] = np.round(np.minimum(values, most[name]), digits)
    table = _replaced(table, columns)
    return _replaced(table, {"tips": tips.draw(table, random)})


def _replaced(table: pa.Table, columns: dict[str, np.ndarray]) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return table


if __name__ == "__main__":
    write_rows(Path(sys.argv[1]), int(sys.argv[2]))

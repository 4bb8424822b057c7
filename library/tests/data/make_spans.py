"""Cuts the Chicago taxi trips in the `tfx` package into spans, one for each calendar year.

An example of the way from raw data to the folders `span-<n>/` that ExampleGen reads. Run
`.venv/bin/python library/tests/data/make_spans.py`; the script needs the `tfx` package, but does
not import it. The output is `data/taxi/span-1/trips-2013.csv` to `span-4/trips-2016.csv`, the same
bytes each time: the script reorders rows and does not change their text.
"""

from __future__ import annotations

import datetime
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path("examples", "chicago_taxi_pipeline", "data", "simple", "data.csv")
TARGET = Path(__file__).parents[3] / "data" / "taxi"
TIMESTAMP = b"trip_start_timestamp"


def main() -> None:
    """Writes the spans to `data/taxi` and prints the number of rows of each."""
    header, *rows = source_file().read_bytes().splitlines(keepends=True)
    for span, (year, lines) in enumerate(by_year(header, rows), start=1):
        path = TARGET / f"span-{span}" / f"trips-{year}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(header + b"".join(lines))
        print(f"{path}: {len(lines)} rows")


def source_file() -> Path:
    """The CSV file inside the installed `tfx` package."""
    spec = importlib.util.find_spec("tfx")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("The sample data comes with the package tfx, which is not installed here.")
    return Path(spec.submodule_search_locations[0]) / SOURCE


def by_year(header: bytes, rows: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Groups rows by the year in which the trip started, the earliest trip first.

    Trips of the same quarter of an hour keep the order of the source.

    Args:
        header: The line with the column names.
        rows: The lines after the header. A line is a row: the file has no quotes, and so no line
            breaks or commas inside values.

    Yields:
        A year and its rows, for each year.
    """
    column = header.rstrip().split(b",").index(TIMESTAMP)

    def start(row: bytes) -> int:
        return int(row.split(b",")[column])

    def year(row: bytes) -> int:
        # Local time of Chicago, counted as if it were UTC: see data/README.md.
        return datetime.datetime.fromtimestamp(start(row), tz=datetime.UTC).year

    for number, lines in itertools.groupby(sorted(rows, key=start), key=year):
        yield number, list(lines)


if __name__ == "__main__":
    main()

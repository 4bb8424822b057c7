"""The rows of the sample in SQLite: two tables, as they would be in a database of a company."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

FILE = "data/trips.sqlite"
FIRST_YEAR = 2013  # of span 1
_TYPES = {"INT": "INTEGER", "FLOAT": "REAL", "BYTES": "TEXT"}


def write_database(root: Path) -> None:
    """Writes `data/trips.sqlite` from the CSV files in `data/taxi`."""
    schema = text_format.Parse((root / "configs/schema.pbtxt").read_text(), schema_pb2.Schema())
    types = {f.name: _TYPES[schema_pb2.FeatureType.Name(f.type)] for f in schema.feature}
    columns = [name for name in types if name != "company"]
    declared = ", ".join(f"{name} {types[name]}" for name in columns)
    places = ", ".join("?" * len(columns))
    with contextlib.closing(sqlite3.connect(root / FILE)) as database, database:
        database.execute("CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        database.execute(
            "CREATE TABLE trips (id INTEGER PRIMARY KEY, year INTEGER, updated TEXT, "
            f"company_id INTEGER, {declared})"
        )
        for span, row in rows(root):
            known = [row[name] or None for name in columns]
            database.execute(
                "INSERT OR IGNORE INTO companies (name) SELECT ?1 WHERE ?1 <> ''", [row["company"]]
            )
            database.execute(
                f"INSERT INTO trips (year, updated, company_id, {', '.join(columns)}) VALUES "
                f"(?, '2024-05-01', (SELECT id FROM companies WHERE name = ?), {places})",
                [FIRST_YEAR + span - 1, row["company"], *known],
            )


def rows(root: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of the CSV files with their spans, in order."""
    found = []
    for file in sorted((root / "data/taxi").glob("span-*/*.csv")):
        span = int(file.parent.name.removeprefix("span-"))
        with file.open(newline="") as text:
            found += [(span, row) for row in csv.DictReader(text)]
    return found

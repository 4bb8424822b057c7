"""The trips of a year, out of the database of the dispatchers."""

import contextlib
import sqlite3
from collections.abc import Iterator

import pyarrow as pa

ROWS = """
    SELECT pickup_community_area, fare, trip_start_month, trip_start_hour, trip_start_day,
           trip_start_timestamp, pickup_latitude, pickup_longitude, dropoff_latitude,
           dropoff_longitude, trip_miles, pickup_census_tract, dropoff_census_tract, payment_type,
           companies.name AS company, trip_seconds, dropoff_community_area, tips
    FROM trips LEFT JOIN companies ON companies.id = trips.company_id
    WHERE year = ?
    ORDER BY trips.id
"""


def list_spans(path: str) -> dict[int, str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT year, COUNT(*), MAX(updated) FROM trips GROUP BY year")
        return {year: f"{count} rows, {updated}" for year, count, updated in rows}


def read_span(path: str, span: int) -> Iterator[pa.RecordBatch]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        cursor = database.execute(ROWS, [span])
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(150):
            yield pa.record_batch([pa.array(column) for column in zip(*rows, strict=True)], names)

"""Spans from DuckDB, and from Delta tables."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

JANUARY = ("--begin", "2026-01-01", "--end", "2026-02-01")
QUERY = "SELECT * FROM t WHERE started >= {{ begin }} AND started < {{ end }} ORDER BY id"
CREATE = """
CREATE TABLE t AS SELECT * FROM (VALUES
  (9007199254740993::hugeint, 12.5::decimal(9, 2), 'Köln', timestamp '2026-01-01', [1, 2], 'yes'),
  (2, null, '', timestamp '2026-01-31 23:59:59', null, 'no'),
  (3, 1, 'Ulm', timestamp '2026-02-01', null, 'no')
) AS rows(id, amount, town, started, tags, churned)
"""


@pytest.fixture
def database(project):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("adbc_driver_duckdb")
    with duckdb.connect(str(project.root / "shop.duckdb")) as connection:
        connection.execute(CREATE)
    project.configure(driver="duckdb", path="shop.duckdb", query=QUERY)
    return project.root / "shop.duckdb"


def rows(project, number=1):
    names = ("id", "amount", "town", "churned")
    return [tuple(row.values()) for row in project.table(number).select(names).to_pylist()]


EXPECTED = [(2, None, None, "no"), (2**53 + 1, 12.5, "Köln", "yes")]


def test_duckdb(project, database, capfd):
    assert project.ingest(*JANUARY) == 0
    assert rows(project) == EXPECTED
    assert "Left out: tags is list" in capfd.readouterr().out
    assert project.ingest("--again", "1") == 0
    assert project.table(1, 2).equals(project.table(1))


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("DELETE FROM t RETURNING *", "read-only"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELEC 1", "syntax error"),
    ],
)
def test_a_query_that_duckdb_refuses(project, database, capfd, query, problem):
    project.configure(driver="duckdb", path="shop.duckdb", query=query)
    assert project.ingest() == 2
    error = capfd.readouterr().err
    assert error.startswith("duckdb refuses the query: ") and problem in error
    assert project.names() == []


@pytest.fixture(params=[None, "UTC"])
def delta(project, request):
    deltalake = pytest.importorskip("deltalake")
    moments = [datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 31, 23, 59, 59)]
    table = pa.table(
        {
            "id": pa.array([2**53 + 1, 2, 3], pa.int64()),
            "amount": pa.array([12.5, None, 1.0]),
            "town": ["Köln", "", "Ulm"],
            "started": pa.array(
                [*moments, datetime.datetime(2026, 2, 1)], pa.timestamp("us", request.param)
            ),
            "day": pa.array([*(m.date() for m in moments), datetime.date(2026, 2, 1)]),
            "churned": ["yes", "no", "no"],
        }
    )
    deltalake.write_deltalake(str(project.root / "lake"), table)
    project.configure(driver="delta", path="lake", time_column="started")
    return project.root / "lake"


@pytest.mark.parametrize("column", ["started", "day"])
def test_an_interval_of_a_delta_table(project, delta, column):
    project.configure(driver="delta", path="lake", time_column=column)
    assert project.ingest(*JANUARY) == 0
    assert sorted(rows(project)) == EXPECTED
    assert project.provenance(1)["time_column"] == column
    assert project.ingest("--again", "1") == 0
    assert sorted(rows(project)) == EXPECTED


def test_a_whole_delta_table(project, delta):
    project.configure(driver="delta", path="lake")
    assert project.ingest() == 0
    assert len(rows(project)) == 3


@pytest.mark.parametrize(
    "refused",
    [
        ({"path": "lake", "time_column": "begun"}, JANUARY, 2, "has no column 'begun'; it has: id"),
        ({"path": "lake", "time_column": "town"}, JANUARY, 2, "town is string, and no date"),
        ({"path": "lake", "time_column": "day"}, (), 2, "give --begin and --end"),
        ({"path": "lake"}, JANUARY, 2, "ingest.time_column is not set"),
        ({"path": "nowhere"}, (), 1, "nowhere cannot be read as a Delta table"),
        ({"path": "lake", "query": "SELECT 1"}, (), 2, "takes no query"),
    ],
)
def test_what_does_not_fit_a_delta_table(project, delta, capfd, refused):
    section, arguments, code, problem = refused
    project.configure(driver="delta", **section)
    assert project.ingest(*arguments) == code
    error = capfd.readouterr().err
    assert problem in error and "Traceback" not in error, error
    assert project.names() == []

"""Spans from DuckDB, and from Delta and Iceberg tables."""

from __future__ import annotations

import dataclasses
import datetime
import http.server
import json
import threading

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


@dataclasses.dataclass(frozen=True)
class Lake:
    """A table of three rows in a format, and its part of the configuration."""

    section: dict
    source: str

    def configure(self, project, **others):
        project.configure(**{**self.section, **others})


def table_of_lake(zone):
    moments = [datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 31, 23, 59, 59)]
    return pa.table(
        {
            "id": pa.array([2**53 + 1, 2, 3], pa.int64()),
            "amount": pa.array([12.5, None, 1.0]),
            "town": ["Köln", "", "Ulm"],
            "started": pa.array(
                [*moments, datetime.datetime(2026, 2, 1)], pa.timestamp("us", zone)
            ),
            "day": pa.array([*(m.date() for m in moments), datetime.date(2026, 2, 1)]),
            "churned": ["yes", "no", "no"],
        }
    )


def write_delta(root, zone):
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(str(root / "lake"), table_of_lake(zone))
    return Lake({"driver": "delta", "path": "lake"}, str(root / "lake"))


def write_iceberg(root, zone):
    pytest.importorskip("pyiceberg.catalog.sql")
    from pyiceberg.catalog import load_catalog

    warehouse, uri = f"file://{root}/warehouse", f"sqlite:///{root}/catalog.db"
    catalog = load_catalog("mine", type="sql", uri=uri, warehouse=warehouse)
    catalog.create_namespace("shop")
    rows = table_of_lake(zone)
    table = catalog.create_table("shop.trips", schema=rows.schema)
    table.append(rows.slice(0, 2))
    table.append(rows.slice(2))
    catalog.close()
    settings = {"name": "mine", "type": "sql", "uri": "sqlite:///catalog.db"}
    section = {"driver": "iceberg", "table": "shop.trips", "catalog": settings}
    return Lake(section, f"shop.trips in sqlite:///{root}/catalog.db")


@pytest.fixture(params=[write_delta, write_iceberg], ids=["delta", "iceberg"])
def written(request):
    return request.param


@pytest.fixture
def lake(project, written):
    return written(project.root, None)


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("column", ["started", "day"])
def test_an_interval_of_a_table(project, written, zone, column):
    lake = written(project.root, zone)
    lake.configure(project, time_column=column)
    assert project.ingest(*JANUARY) == 0
    assert sorted(rows(project)) == EXPECTED
    facts = project.provenance(1)
    assert (facts["time_column"], facts["source"], facts["query"]) == (column, lake.source, "")
    assert facts["table_version"].isdigit()
    assert project.ingest("--again", "1") == 0
    assert sorted(rows(project)) == EXPECTED


def test_a_day_belongs_to_an_interval_that_has_its_first_moment(project, lake):
    lake.configure(project, time_column="day")
    half_days = ("--begin", "2026-01-01T12:00", "--end", "2026-01-31T00:00:01")
    assert project.ingest(*half_days) == 0
    assert [row[0] for row in rows(project)] == [2]


def test_a_whole_table_of_a_lake(project, lake):
    lake.configure(project)
    assert project.ingest() == 0
    assert len(rows(project)) == 3


@pytest.mark.parametrize(
    "refused",
    [
        ({"time_column": "begun"}, JANUARY, 2, "has no column 'begun'; it has: id"),
        ({"time_column": "town"}, JANUARY, 2, "no date or time"),
        ({"time_column": "day"}, (), 2, "give --begin and --end"),
        ({"time_column": "day"}, ("--begin", "2027-01-01", "--end", "2027-01-02"), 4, "no rows"),
        ({}, JANUARY, 2, "ingest.time_column is not set"),
        ({"query": "SELECT 1"}, (), 2, "takes no query"),
        ({"uri": "SOMETHING"}, (), 2, "has no use for it"),
    ],
)
def test_what_does_not_fit_a_table(project, lake, capfd, refused):
    others, arguments, code, problem = refused
    lake.configure(project, **others)
    nothing_is_left(project, capfd, code, problem, *arguments)


def test_a_delta_table_that_is_not_there(project, capfd):
    pytest.importorskip("deltalake")
    project.configure(driver="delta", path="nowhere")
    nothing_is_left(project, capfd, 1, "nowhere cannot be read as a Delta table")


def test_a_file_of_a_table_that_is_gone(project, lake, capfd):
    lake.configure(project)
    [*files] = [path for path in project.root.rglob("*.parquet") if "data/tiny" not in str(path)]
    files[0].unlink()
    nothing_is_left(project, capfd, 1, "The source failed while its rows were read: ")


@pytest.mark.parametrize(
    "refused",
    [
        ({"table": "shop.none"}, 1, "Table does not exist: shop.none"),
        ({"table": "trips"}, 1, "cannot be read as an Iceberg table"),
        ({"catalog": {"type": "sql", "uri": "sqlite:///none.db"}}, 2, "there is no file"),
        ({"catalog": {"type": "nope", "uri": "x"}}, 1, "'nope' is not a valid CatalogType"),
        ({"catalog": {"type": "rest", "uri": "http://127.0.0.1:1"}}, 1, "in http://127.0.0.1:1 "),
        ({"catalog": {"type": "rest", "token": "geheim"}}, 2, "token looks like a credential"),
        ({"catalog_secrets": {"token": "NOT_SET_ANYWHERE"}}, 2, "NOT_SET_ANYWHERE is not set"),
        ({"catalog": {}}, 2, "ingest.catalog: iceberg needs it"),
        ({"table": ""}, 2, "ingest.table: iceberg needs it"),
    ],
)
def test_an_iceberg_table_that_cannot_be_read(project, capfd, refused):
    others, code, problem = refused
    lake = write_iceberg(project.root, None)
    lake.configure(project, **others)
    nothing_is_left(project, capfd, code, problem)
    assert not (project.root / "none.db").exists()


class Refusing(http.server.BaseHTTPRequestHandler):
    """A REST catalog that repeats the token it refuses."""

    def do_GET(self):
        text = f"no access with {self.headers['Authorization']}"
        error = {"error": {"message": text, "type": "NotAuthorizedException", "code": 401}}
        body = json.dumps(error).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_credentials_of_a_rest_catalog_are_read_and_not_shown(project, capfd, monkeypatch):
    pytest.importorskip("pyiceberg")
    monkeypatch.setenv("CATALOG_TOKEN", "geheim-token")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        project.configure(
            driver="iceberg",
            table="shop.trips",
            catalog={"type": "rest", "uri": uri},
            catalog_secrets={"token": "CATALOG_TOKEN"},
        )
        assert project.ingest() == 1
        server.shutdown()
    error = capfd.readouterr().err
    assert "no access with Bearer •••" in error and "geheim" not in error
    assert "Traceback" not in error and project.names() == []


def nothing_is_left(project, capfd, code, problem, *arguments):
    assert project.ingest(*arguments) == code
    error = capfd.readouterr().err
    assert problem in error and "Traceback" not in error and "geheim" not in error, error
    assert project.names() == []

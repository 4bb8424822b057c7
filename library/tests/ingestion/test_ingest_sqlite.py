"""Spans from SQLite: values, types, intervals, versions; whole or absent."""

from __future__ import annotations

import html
import os
import signal
import sqlite3
import subprocess
import sys
import time
from csv import writer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.components.example_gen.example_gen_run import Runner
from tests.ingestion.conftest import SCHEMA
from tests.pipeline.report.bare_run import bare_run
from tests.sample_project import ROOT
from tfxkit.components.example_gen import spans
from tfxkit.components.example_gen.tables import read_batches, read_provenance
from tfxkit.config.data import ColumnFormat, CsvFormat
from tfxkit.report.origin import build_origin, ingested_queries
from tfxkit.report.page import environment
from tfxkit.runs.metadata import Artifact
from tfxkit.runs.summary import Status
from tfxkit.storage.artifacts import ingested_files
from tfxkit.values.reading import ColumnReading, Reading

pytest.importorskip("adbc_driver_sqlite")

READING = Reading(columns={name: ColumnReading(type=kind) for name, kind in SCHEMA.items()})
ROWS = [
    (1, 12, "Ulm", "2026-01-01", "True", "no"),
    (2, 12.5, "Köln", "2026-01-01 00:00:00", "False", "yes"),
    (2**53 + 1, None, None, "2026-01-31 23:59:59", None, "no"),
    (4, -0.25, "", "2026-02-01", "True", "yes"),
    (None, 7, "Ulm", "2026-02-01 00:00:00", "True", "no"),
]
NAMES = ("id", "amount", "town", "started", "member", "churned")
QUERY = "SELECT * FROM t WHERE started >= {{ begin }} AND started < {{ end }} ORDER BY started"
JANUARY = ("--begin", "2026-01-01", "--end", "2026-02-01")
FEBRUARY = ("--begin", "2026-02-01", "--end", "2026-03-01")


def write(path, rows=ROWS, names=NAMES):
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO t VALUES ({marks})", rows)
    connection.close()


@pytest.fixture
def database(project):
    """The project's source, with five rows."""
    write(project.root / "shop.db")
    project.configure(driver="sqlite", path="shop.db", query=QUERY)
    return project.root / "shop.db"


def values(table):
    return [tuple(row.values()) for row in table.select(NAMES).to_pylist()]


def test_an_interval_becomes_a_span_with_the_types_of_the_schema(project, database, capfd):
    assert project.ingest(*JANUARY) == 0
    shown = capfd.readouterr().out
    assert "span-1, version 1: 3 rows from" in shown and "2026-01-01 to 2026-02-01 (UTC)" in shown
    assert project.names() == ["span-1", "span-1/version-1", "span-1/version-1/rows.parquet"]
    table = project.table(1)
    assert [(field.name, field.type) for field in table.schema] == [
        ("id", pa.int64()),
        ("amount", pa.float64()),
        *((name, pa.string()) for name in NAMES[2:]),
    ]
    assert values(table) == ROWS[:3]
    assert project.ingest(*FEBRUARY) == 0
    assert values(project.table(2)) == [(4, -0.25, None, *ROWS[3][3:]), ROWS[4]]


def test_a_run_reads_the_spans(project, database):
    assert project.ingest(*JANUARY) == project.ingest(*FEBRUARY) == 0
    base = str(project.root / "data" / "tiny")
    selection = spans.select(base, spans.range_config("all"))
    assert selection.spans == (1, 2) and selection.versions == (1, 1)
    [batch] = read_batches(selection.files[0], READING)
    assert batch.column("id").to_pylist() == [1, 2, 2**53 + 1]
    assert batch.column("town").to_pylist() == [b"Ulm", "Köln".encode(), None]


def test_the_origin_of_the_data_is_in_the_artifact_and_on_the_page(project, database, tmp_path):
    """A span that was ingested, made again and joined by one of another origin."""
    assert project.ingest(*JANUARY) == project.ingest(*FEBRUARY) == 0
    assert project.ingest("--again", "1") == 0
    delivered = project.root / "data" / "tiny" / "span-3"
    delivered.mkdir()
    (delivered / "rows.csv").write_text("id,amount\n" + "".join(f"{n},1\n" for n in range(40)))
    schema = (project.root / "configs" / "schema.pbtxt").read_text()
    runner = Runner(tmp_path / "of-run", text_format.Parse(schema, schema_pb2.Schema()))
    runner.data = project.root / "data" / "tiny"
    runner.run()
    [examples] = runner.artifacts()
    span = str(project.root / "data/tiny/span-{}/version-{}/rows.parquet")
    assert ingested_files(examples.uri) == {
        span.format(1, 2): project.provenance(1, 2),
        span.format(2, 1): project.provenance(2),
    }
    [query] = ingested_queries(examples.uri)
    assert (query.source, query.query) == (str(database), QUERY)
    assert [(span.file, span.interval, span.rows) for span in query.spans] == [
        ("span-1/version-2/rows.parquet", "2026-01-01 to 2026-02-01", 3),
        ("span-2/version-1/rows.parquet", "2026-02-01 to 2026-03-01", 2),
    ]
    artifact = Artifact(examples.id, "Examples", examples.uri, {})
    run = bare_run(tmp_path, Status.DONE, {"ExampleGen": {"examples": artifact}}, config={})
    page = environment().get_template("origin.html").render(content=build_origin(run))
    assert html.escape(QUERY) in page and str(database) in page
    assert "span-1/version-2" in page and project.provenance(2)["time"][:10] in page


def test_a_file_of_another_origin_has_no_provenance(project, database):
    assert project.ingest(*JANUARY) == 0
    for name, content in [("a.csv", b"id\n1\n"), ("b.parquet", b"PAR1"), ("c.parquet", b"")]:
        (project.root / name).write_bytes(content)
        assert read_provenance(str(project.root / name)) is None
    pq.write_table(pa.table({"id": [1]}), project.root / "d.parquet")
    assert read_provenance(str(project.root / "d.parquet")) is None
    assert read_provenance(str(project.root / "none.parquet")) is None
    assert read_provenance(project.file(1))["rows"] == 3


def test_the_words_and_forms_of_the_data_set_hold_for_a_database(project):
    """A span holds what ExampleGen would have read from the same text in a file."""
    names = ("id", "amount", "town", "churned")
    texts = [
        ("7", "$1,250.50", "Ulm", "no"),
        ("NA", "-", " NA ", "yes"),
        (" ", "($3)", "NA", "no"),
        ("8.0", "\u00a0", "-", "yes"),
    ]
    write(project.root / "shop.db", texts, names)
    csv = CsvFormat(missing=("NA",))
    amount = {
        "missing": ["-"],
        "parse": {"prefix": "$", "thousands": ",", "negative": "parentheses"},
    }
    columns = {"amount": ColumnFormat.model_validate(amount)}
    project.configure(
        data={"csv": {"missing": ["NA"]}, "columns": {"amount": amount}},
        driver="sqlite",
        path="shop.db",
        query="SELECT * FROM t",
    )
    assert project.ingest() == 0
    table = project.table(1)
    assert table.column("id").to_pylist() == [7, None, None, 8]
    assert table.column("amount").to_pylist() == [1250.5, None, -3.0, None]
    assert table.column("town").to_pylist() == ["Ulm", " NA ", "NA", "-"]
    schema = (project.root / "configs" / "schema.pbtxt").read_text()
    reading = Reading.of(text_format.Parse(schema, schema_pb2.Schema()), csv, columns)
    file = project.root / "same.csv"
    with file.open("w", newline="") as stream:
        rows = writer(stream)
        rows.writerows([names, *texts])
    [from_database] = read_batches(project.file(1), reading)
    [from_file] = read_batches(str(file), reading, csv)
    assert from_database.to_pydict() == from_file.to_pydict()
    assert from_file.column("town").to_pylist() == [b"Ulm", None, None, b"-"]


def test_a_word_that_is_not_among_the_missing_ones_is_refused(project, capfd):
    write(project.root / "shop.db", [("1", "NA"), ("2", "-")], ("id", "amount"))
    data = {"csv": {"missing": ["NA"]}}
    project.configure(data=data, driver="sqlite", path="shop.db", query="SELECT * FROM t")
    nothing_is_left(
        project, capfd, 4, "Row 2: amount is FLOAT in the schema, and the source has '-'"
    )


def test_a_span_is_made_again_as_its_next_version(project, database, capfd):
    assert project.ingest(*JANUARY) == 0
    assert project.ingest("--again", "1") == 0
    assert project.table(1, 2).equals(project.table(1))
    assert "another one" not in capfd.readouterr().out
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE t SET town = 'Bonn' WHERE id = 1")
    connection.close()
    project.configure(driver="sqlite", path="shop.db", query=QUERY.replace("*", "*, 1 AS one"))
    assert project.ingest("--again", "1") == 0
    assert "another one than that of version 2" in capfd.readouterr().out
    assert project.table(1, 3).column("town").to_pylist()[0] == "Bonn"
    assert project.provenance(1, 3)["interval"] == ["2026-01-01", "2026-02-01"]
    base = str(project.root / "data" / "tiny")
    assert spans.select(base, spans.range_config("all")).versions == (3,)


def test_the_provenance_is_in_the_file(project, database):
    before = time.time()
    assert project.ingest(*JANUARY) == 0
    facts = project.provenance(1)
    assert facts | {"time": None} == {
        "driver": "sqlite",
        "source": str(database),
        "query": QUERY,
        "time_column": None,
        "interval": ["2026-01-01", "2026-02-01"],
        "time": None,
        "types": dict(sorted(SCHEMA.items())),
        "rows": 3,
    }
    written = time.mktime(time.strptime(facts["time"], "%Y-%m-%dT%H:%M:%S+00:00")) - time.timezone
    assert int(before) <= written <= time.time()


def test_a_whole_table_without_an_interval(project, database):
    project.configure(driver="sqlite", path=str(database), query="SELECT * FROM t;")
    assert project.ingest() == 0
    assert len(project.table(1)) == len(ROWS)
    assert project.provenance(1)["interval"] is None
    assert project.ingest("--again", "1") == 0
    assert project.table(1, 2).equals(project.table(1))


def test_the_query_can_be_a_file(project, database):
    (project.root / "configs" / "shop.sql").write_text(f"-- the shop\n{QUERY};\n")
    project.configure(driver="sqlite", path="shop.db", query_file="configs/shop.sql")
    assert project.ingest(*JANUARY) == 0
    assert len(project.table(1)) == 3


def test_other_columns_are_kept_and_absent_ones_are_said(project, database, capfd):
    query = "SELECT id, town, churned, 1.5 AS extra FROM t"
    project.configure(driver="sqlite", path="shop.db", query=query)
    assert project.ingest() == 0
    shown = capfd.readouterr().out
    assert "Not in the schema: extra." in shown
    assert "In the schema, and not in the source: amount, member, started." in shown
    assert project.table(1).column("extra").to_pylist() == [1.5] * len(ROWS)


def test_without_a_schema_the_types_are_those_of_the_source(project, database):
    (project.root / "configs" / "schema.pbtxt").unlink()
    project.configure(driver="sqlite", path="shop.db", query="SELECT id, amount, town FROM t")
    assert project.ingest() == 2
    assert project.ingest("--no-schema") == 0
    kinds = [str(field.type) for field in project.table(1).schema]
    assert kinds == ["int64", "double", "string"]


def test_names_of_existing_spans_are_continued(project, database):
    for name in ("span-008", "span-009", "notes"):
        (project.root / "data" / "tiny" / name).mkdir(parents=True)
    assert project.ingest(*JANUARY) == 0
    assert "span-010/version-1/rows.parquet" in project.names()


def nothing_is_left(project, capfd, code, problem, *arguments):
    before = project.names()
    assert project.ingest(*arguments) == code
    error = capfd.readouterr().err
    assert problem in error and "Traceback" not in error, error
    assert project.names() == before


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ((6, "cheap", "Ulm", "2026-01-05", "True", "no"), "amount is FLOAT in the schema"),
        ((6.5, 1, "Ulm", "2026-01-05", "True", "no"), "id is INT in the schema"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_row(project, capfd, value, problem):
    write(project.root / "shop.db", [*ROWS[:2], value])
    project.configure(driver="sqlite", path="shop.db", query=QUERY)
    nothing_is_left(project, capfd, 4, f"Row 3: {problem}", *JANUARY)


def test_no_rows_are_no_span(project, database, capfd):
    arguments = ("--begin", "2027-01-01", "--end", "2027-02-01")
    nothing_is_left(project, capfd, 4, "no rows for this span", *arguments)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT * FROM nowhere", "sqlite refuses the query: "),
        ("SELEC 1", "sqlite refuses the query: "),
        ("DELETE FROM t RETURNING *", "readonly"),
        ("SELECT id, town AS id FROM t", "several columns 'id'"),
        ("SELECT 1 AS x", "none of the columns in configs/schema.pbtxt; it has: x"),
        ("SELECT * FROM t WHERE started > '{{ begin }}'", "without quotes"),
    ],
)
def test_a_query_that_cannot_be_answered(project, database, capfd, query, problem):
    project.configure(driver="sqlite", path="shop.db", query=query)
    code = 4 if "column" in problem else 2
    nothing_is_left(project, capfd, code, problem)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (len(ROWS),)
    connection.close()


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"driver": "sqlite", "query": "x"}, "ingest.path: sqlite needs it"),
        ({"driver": "postgresql", "path": "x", "query": "x"}, "ingest.uri: postgresql needs it"),
        ({"driver": "sqlite", "path": "x"}, "either query or query_file"),
        ({"driver": "sqlite", "path": "x", "query": "x", "query_file": "y"}, "either query or"),
        ({"driver": "sqlite", "path": "none.db", "query": "SELECT 1"}, "there is no file"),
        ({"driver": "sqlite", "path": "x", "query_file": "none.sql"}, "cannot be read"),
        ({"driver": "oracle", "path": "x", "query": "x"}, "ingest.driver"),
        (
            {"driver": "postgresql", "uri": "postgresql://u:geheim@h/d", "query": "x"},
            "looks like",
        ),
        (
            {"driver": "postgresql", "uri": "NOT_SET_ANYWHERE", "query": "SELECT 1"},
            "the environment variable NOT_SET_ANYWHERE is not set",
        ),
    ],
)
def test_a_section_that_does_not_hold(project, capfd, section, problem):
    project.configure(**section)
    assert project.ingest() == 2
    error = capfd.readouterr().err
    assert (problem in error or "has a password" in error) and "Traceback" not in error
    assert "geheim" not in error and project.names() == []


def test_without_a_section_an_example_is_shown(project, capfd):
    (project.root / "configs" / "base.yaml").write_text("pipeline: a\ndata: {path: data/tiny}\n")
    assert project.ingest() == 2
    assert "driver: postgresql" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--begin", "2026-01-01"], "Give both"),
        (["--again", "1", *JANUARY], "leave out --begin"),
        (["--again", "7"], "has no such span; there are: 1"),
        (["--again", "1"], "`ingest` did not make"),
    ],
)
def test_options_that_do_not_fit(project, database, capfd, arguments, problem):
    (project.root / "data" / "tiny" / "span-1").mkdir(parents=True)
    nothing_is_left(project, capfd, 2, problem, *arguments)


def test_a_killed_ingestion_leaves_no_span_and_the_next_one_tidies_up(project):
    names = ", ".join(NAMES[1:])
    query = (
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 50000000) "
        f"SELECT n.id, {names} FROM n, (SELECT * FROM t LIMIT 1)"
    )
    write(project.root / "shop.db")
    project.configure(driver="sqlite", path="shop.db", query=query)
    command = [sys.executable, "-m", "pipeline", "ingest"]
    process = subprocess.Popen(
        [*command, "--config-dir", str(project.root / "configs")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while not any(name.endswith(".parquet") for name in project.names()):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not any(name.startswith("span") for name in project.names())
    project.configure(driver="sqlite", path="shop.db", query="SELECT * FROM t")
    assert project.ingest() == 0
    assert project.names() == ["span-1", "span-1/version-1", "span-1/version-1/rows.parquet"]


def test_only_one_ingestion_writes_at_a_time(project, database, capfd):
    import fcntl

    base = project.root / "data" / "tiny"
    base.mkdir(parents=True)
    with (base / ".ingest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        nothing_is_left(project, capfd, 2, "Another `ingest` writes to", *JANUARY)
    assert project.ingest(*JANUARY) == 0


def test_a_span_on_s3(project, database, s3, capfd):
    where = f"data.path={s3}/spans"
    assert project.ingest(*JANUARY, "--set", where) == 0
    assert project.ingest("--again", "1", "--set", where) == 0
    assert project.ingest(*FEBRUARY, "--set", where) == 0
    selection = spans.select(f"{s3}/spans", spans.range_config("all"))
    assert selection.spans == (1, 2) and selection.versions == (2, 1)
    assert read_provenance(selection.files[0])["rows"] == 3
    [batch] = read_batches(selection.files[1], READING)
    assert batch.column("id").to_pylist() == [4, None]

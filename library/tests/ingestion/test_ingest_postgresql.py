"""Spans from a real PostgreSQL server: types, time zones, credentials, failures."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest

from tests.ingestion.conftest import PASSWORD

JANUARY = ("--begin", "2026-01-01", "--end", "2026-02-01")
CREATE = """
DROP TABLE IF EXISTS t;
CREATE TABLE t (
  id bigint, small smallint, amount numeric(20, 4), price double precision, half real,
  town text, code char(5), name varchar(9), member boolean, started timestamptz, local timestamp,
  day date, at time, key uuid, body jsonb, tags text[], gap interval, raw bytea, empty text,
  churned text
);
INSERT INTO t VALUES
  (9007199254740993, 1, 12.5000, 0.1, 0.1, 'Köln', 'a', 'a ', true, '2026-01-01 00:00+00',
   '2026-01-01 00:00', '2026-01-01', '10:30', '00000000-0000-4000-8000-00000000000a', '{"a": 1}',
   '{x,y}', '1 day', '\\xff00', null, 'yes'),
  (2, null, -660, 'NaN', 1.5, '', 'abcde', null, false, '2026-01-31 23:59:59.5+00',
   '2026-01-31 23:59', '2026-01-31', '10:30:00.25', null, null, null, null, null, null, 'no'),
  (3, 3, 12345678901234.5678, 2, 2, 'Ulm', 'b', 'b', null, '2026-02-01 08:59+09', '2026-01-31',
   '2026-01-31', null, null, null, null, null, null, null, 'no'),
  (4, 4, 1, 1, 1, 'Ulm', 'c', 'c', true, '2026-02-01 00:00+00', '2026-02-01', '2026-02-01', null,
   null, null, null, null, null, null, 'yes'),
  (5, 5, 1, 1, 1, 'Ulm', 'c', 'c', true, '2025-12-31 23:59:59.999+00', '2025-12-31', '2025-12-31',
   null, null, null, null, null, null, null, 'yes');
"""
QUERY = "SELECT * FROM t WHERE started >= {{ begin }} AND started < {{ end }} ORDER BY id"


@pytest.fixture(scope="session")
def shop(postgresql):
    """The server with a table; its time zone is that of Tokyo."""
    postgresql.sql(CREATE)
    return postgresql


@pytest.fixture
def configured(project, shop, monkeypatch):
    monkeypatch.setenv("SHOP_URI", shop.uri)
    project.configure(driver="postgresql", uri="SHOP_URI", query=QUERY)
    return project


def rows(project, *names):
    table = project.table(1).select(names)
    return [tuple(row.values()) for row in table.to_pylist()]


def test_an_interval_is_half_open_and_in_utc(configured):
    assert configured.ingest(*JANUARY) == 0
    assert rows(configured, "id") == [(2,), (3,), (2**53 + 1,)]


@pytest.mark.parametrize("column", ["local", "day"])
def test_times_without_a_zone_and_dates_are_utc(configured, column):
    where = f"{column} >= {{{{ begin }}}} AND {column} < {{{{ end }}}}"
    query = f"SELECT * FROM t WHERE {where} ORDER BY id"
    configured.configure(driver="postgresql", uri="SHOP_URI", query=query)
    assert configured.ingest(*JANUARY) == 0
    assert rows(configured, "id") == [(2,), (3,), (2**53 + 1,)]


def test_each_type_becomes_the_type_of_the_schema(configured, capfd):
    numbers = dict.fromkeys(("small", "price", "half"), "FLOAT")
    texts = dict.fromkeys(("key", "at", "day", "local", "code", "name", "body"), "BYTES")
    configured.types(**numbers, **texts, empty="INT")
    assert configured.ingest(*JANUARY) == 0
    shown = capfd.readouterr().out
    assert "Left out: tags is list" in shown and "Left out: gap is " in shown
    assert "Not in the schema: raw." in shown
    kinds = {field.name: field.type for field in configured.table(1).schema}
    assert kinds["id"] == kinds["empty"] == pa.int64()
    assert kinds["amount"] == kinds["small"] == kinds["price"] == kinds["half"] == pa.float64()
    assert "tags" not in kinds and "gap" not in kinds and kinds["raw"] == pa.binary()
    two, three, one = configured.table(1).to_pylist()
    assert one["id"] == 2**53 + 1 and two["small"] is None and one["small"] == 1.0
    assert [one["amount"], two["amount"], three["amount"]] == [12.5, -660.0, 12345678901234.5678]
    assert one["price"] == 0.1 and two["half"] == 1.5
    assert (one["town"], two["town"]) == ("Köln", None)
    assert (one["code"], one["name"]) == ("a", "a ")
    assert one["day"] == "2026-01-01" and one["local"].startswith("2026-01-01 00:00:00")
    assert (one["at"], two["at"], three["at"]) == ("10:30:00", "10:30:00.250000", None)
    assert one["key"] == "00000000-0000-4000-8000-00000000000a" and one["body"] == '{"a": 1}'
    assert one["raw"] == b"\xff\0" and one["empty"] is None
    assert [one["churned"], two["churned"]] == ["yes", "no"]


def test_without_a_schema_numbers_of_any_precision_are_text(configured):
    assert configured.ingest("--no-schema", *JANUARY) == 0
    kinds = {field.name: str(field.type) for field in configured.table(1).schema}
    assert kinds["amount"] == "string" and kinds["member"] == "bool"
    assert kinds["day"] == "date32[day]" and kinds["started"] == "timestamp[us, tz=UTC]"
    assert rows(configured, "amount")[2] == ("12.5000",)


def test_numbers_of_the_server_are_read_in_its_form_and_text_in_that_of_the_data(configured):
    configured.types(price="FLOAT", note="FLOAT", started=None, member=None)
    query = (
        "SELECT 1 AS id, 'Ulm' AS town, 'no' AS churned, 12.50::numeric(9, 2) AS amount, "
        "0.5::float8 AS price, '$1.234,5' AS note"
    )
    parse = {"parse": {"thousands": ".", "prefix": "$"}}
    configured.configure(
        driver="postgresql",
        uri="SHOP_URI",
        query=query,
        data={"csv": {"decimal": ","}, "columns": {"amount": parse, "note": parse}},
    )
    assert configured.ingest() == 0
    assert rows(configured, "amount", "price", "note") == [(12.5, 0.5, 1234.5)]


@pytest.mark.parametrize("column", ["started", "day", "at"])
def test_times_are_no_numbers(configured, capfd, column):
    configured.types(**{column: "INT"})
    assert configured.ingest(*JANUARY) == 4
    error = capfd.readouterr().err
    assert f"{column} is INT in the schema, and " in error and "Cast it in the query" in error
    assert configured.names() == []


def test_money_is_refused_with_a_cast(configured, capfd):
    query = "SELECT *, 12.50::money AS fee FROM t"
    configured.configure(driver="postgresql", uri="SHOP_URI", query=query)
    assert configured.ingest() == 4
    assert "Write fee::numeric in the query" in capfd.readouterr().err


def test_a_misfit_is_named_with_its_row(configured, capfd):
    configured.types(town="FLOAT")
    assert configured.ingest(*JANUARY) == 4
    error = capfd.readouterr().err
    assert "Row 2: town is FLOAT in the schema, and the source has 'Ulm'" in error
    assert configured.names() == []


def test_the_password_is_nowhere(configured, capfd):
    assert configured.ingest(*JANUARY) == 0
    facts = configured.provenance(1)
    assert facts["source"].startswith("postgresql://127.0.0.1:") and "@" not in facts["source"]
    written = capfd.readouterr().out + str(facts)
    for path in configured.root.rglob("*"):
        if path.is_file():
            written += path.read_bytes().decode(errors="replace")
    assert PASSWORD not in written and "owner" not in written


def fails(project, capfd, code, problem):
    assert project.ingest(*JANUARY) == code
    error = capfd.readouterr().err
    assert problem in error and "Traceback" not in error, error
    assert PASSWORD not in error and "owner:" not in error and len(error.splitlines()) <= 3
    assert project.names() == []


def test_a_wrong_password(configured, shop, capfd, monkeypatch):
    wrong = shop.uri.replace("owner:", "owner:wrong")
    monkeypatch.setenv("SHOP_URI", wrong)
    fails(configured, capfd, 1, "password authentication failed")


def test_a_server_that_is_not_there(configured, shop, capfd, monkeypatch):
    monkeypatch.setenv("SHOP_URI", shop.uri.replace(str(shop.port), "1"))
    fails(configured, capfd, 1, "Cannot connect to postgresql://127.0.0.1:1/postgres")


def test_the_address_can_be_in_a_file(configured, shop, tmp_path):
    secret = tmp_path / "uri"
    secret.write_text(shop.uri + "\n")
    configured.configure(driver="postgresql", uri=str(secret), query=QUERY)
    assert configured.ingest(*JANUARY) == 0


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT * FROM nowhere WHERE {{ begin }} < {{ end }}", 'relation "nowhere" does not'),
        ("SELEC {{ begin }} {{ end }}", "syntax error"),
        ("DELETE FROM t WHERE started < {{ end }} RETURNING *", "read-only transaction"),
        ("SELECT * FROM t WHERE started < {{ end }}; DROP TABLE t", "multiple commands"),
    ],
)
def test_a_query_that_the_server_refuses(configured, capfd, query, problem):
    configured.configure(driver="postgresql", uri="SHOP_URI", query=query)
    fails(configured, capfd, 2, problem)


def test_an_error_in_the_middle_leaves_nothing(configured, capfd):
    query = (
        "SELECT g AS id, 1 / (180000 - g) AS amount, repeat('a', 300) AS town, 'no' AS churned "
        "FROM generate_series(1, 200000) g WHERE {{ begin }} < {{ end }}"
    )
    configured.configure(driver="postgresql", uri="SHOP_URI", query=query)
    assert configured.ingest(*JANUARY) == 1
    assert "division by zero" in capfd.readouterr().err
    assert configured.names() == []


def test_many_rows_keep_their_values(configured):
    query = (
        "SELECT g AS id, g / 4.0::float8 AS amount, 'town ' || g % 7 AS town, 'no' AS churned "
        "FROM generate_series(1, 300000) g WHERE {{ begin }} < {{ end }}"
    )
    configured.configure(driver="postgresql", uri="SHOP_URI", query=query)
    assert configured.ingest(*JANUARY) == 0
    table = configured.table(1)
    assert table.column("id").to_pylist() == list(range(1, 300_001))
    assert table.column("amount")[299_998].as_py() == 299_999 / 4
    assert set(table.column("town").to_pylist()) == {f"town {i}" for i in range(7)}
    assert os.path.getsize(configured.file(1)) < 10_000_000

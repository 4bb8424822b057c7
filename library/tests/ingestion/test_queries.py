"""Placeholders of a query become parameters, or literals of a time; nothing else."""

import datetime

import pytest

from tfxkit.errors import UsageError
from tfxkit.ingestion.queries import SpanInterval, bind

UTC = datetime.UTC
DAY = SpanInterval.parse("2026-01-01", "2026-01-02")
BEGIN, END = (datetime.datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))


@pytest.mark.parametrize(
    ("driver", "sql", "parameters"),
    [
        ("sqlite", "t >= ? AND t < ? OR u = ?", ["2026-01-01", "2026-01-02", "2026-01-01"]),
        ("duckdb", "t >= ? AND t < ? OR u = ?", [BEGIN, END, BEGIN]),
        (
            "postgresql",
            "t >= TIMESTAMPTZ '2026-01-01 00:00:00+00:00' AND "
            "t < TIMESTAMPTZ '2026-01-02 00:00:00+00:00' OR "
            "u = TIMESTAMPTZ '2026-01-01 00:00:00+00:00'",
            [],
        ),
        (
            "snowflake",
            "t >= TO_TIMESTAMP_TZ('2026-01-01 00:00:00+00:00') AND "
            "t < TO_TIMESTAMP_TZ('2026-01-02 00:00:00+00:00') OR "
            "u = TO_TIMESTAMP_TZ('2026-01-01 00:00:00+00:00')",
            [],
        ),
        (
            "bigquery",
            "t >= TIMESTAMP '2026-01-01 00:00:00+00:00' AND "
            "t < TIMESTAMP '2026-01-02 00:00:00+00:00' OR "
            "u = TIMESTAMP '2026-01-01 00:00:00+00:00'",
            [],
        ),
    ],
)
def test_placeholders_become_what_the_driver_takes(driver, sql, parameters):
    query = " t >= {{ begin }} AND t < {{end}} OR u = {{  begin }} ;\n"
    assert bind(query, DAY, driver) == (sql, parameters)


@pytest.mark.parametrize(("driver", "value"), [("sqlite", "2026-01-02"), ("duckdb", END)])
def test_only_the_placeholders_in_the_query_are_bound(driver, value):
    assert bind("t < {{ end }}", DAY, driver) == ("t < ?", [value])


def test_a_query_without_placeholders_has_no_parameters():
    assert bind("SELECT '{ x }' || $$a$$", None, "postgresql") == ("SELECT '{ x }' || $$a$$", [])


DRIVERS = ("sqlite", "duckdb", "postgresql", "snowflake", "bigquery")


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT ';', \"a;b\", `c;d`",
        "SELECT 1 /* ; */",
        "SELECT 1 -- ; DROP TABLE t\n, 2",
        "SELECT 1 -- it's\n, '--;' AS x",
        "SELECT 'it''s; '",
    ],
)
def test_one_statement_stays_as_it_is(driver, query):
    sql, parameters = bind(query, None, driver)
    assert (sql.removesuffix("\n"), parameters) == (query, [])


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("end", [";", " ;\n", "; -- the end", "; /* the\nend; */ ; "])
def test_the_end_of_a_statement_is_cut_off(driver, end):
    assert bind(f"SELECT 1{end}", None, driver) == ("SELECT 1", [])


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; DROP TABLE t",
        "SELECT ';' ; SELECT 2",
        "SELECT 1 -- x\n; DELETE FROM t;",
        "SET x = 1;\nSELECT 1",
    ],
)
def test_two_statements_are_refused(driver, query):
    with pytest.raises(UsageError, match="multiple commands"):
        bind(query, None, driver)


def test_what_is_a_text_depends_on_the_database():
    escaped = r"SELECT '\'; x'"
    assert bind(escaped, None, "bigquery") == (escaped, [])
    assert bind("SELECT $$;$$, $a$ ; $a$", None, "postgresql")[0] == "SELECT $$;$$, $a$ ; $a$"
    assert bind("SELECT 1 # ; x\n+ 1", None, "bigquery")[0] == "SELECT 1 # ; x\n+ 1"


def test_a_placeholder_in_a_comment_is_none():
    query = "SELECT * /* {{ any }} */ FROM t -- from {{ begin }}\nWHERE t < {{ end }} -- {{ end }}"
    sql, parameters = bind(query, DAY, "sqlite")
    assert sql.count("?") == 1 and parameters == ["2026-01-02"]
    assert sql.endswith("\n")


@pytest.mark.parametrize(
    ("begin", "end", "texts"),
    [
        ("2026-01-01", "2026-02-01", ("2026-01-01", "2026-02-01")),
        ("2026-01-01T12:30", "2026-01-01 13:00:05", ("2026-01-01 12:30:00", "2026-01-01 13:00:05")),
        ("2026-01-01T01:00+01:00", "20260102", ("2026-01-01", "2026-01-02")),
        (
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00-01:00",
            ("2026-01-01", "2026-01-01 01:00:00"),
        ),
    ],
)
def test_times_are_utc_unless_they_have_a_zone(begin, end, texts):
    assert SpanInterval.parse(begin, end).texts() == texts


@pytest.mark.parametrize(
    ("query", "interval", "problem"),
    [
        ("t >= {{ start }}", DAY, r"placeholder {{ start }}, and only {{ begin }}"),
        ("t >= {{ begin; drop table t }}", DAY, "only {{ begin }}"),
        ("t LIKE 'x {{ begin }} y'", DAY, "write the placeholder without quotes"),
        ("t >= '{{ begin }}'", DAY, "'{{ begin }}': write the placeholder without quotes"),
        ("t >= {{ begin }}", None, "give --begin and --end"),
        ("SELECT 1", DAY, "would have no effect: the query has no"),
    ],
)
def test_a_query_that_does_not_fit_is_refused(query, interval, problem):
    with pytest.raises(UsageError) as error:
        bind(query, interval, "sqlite")
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        ("yesterday", "2026-01-02", "--begin 'yesterday' is no date"),
        ("2026-01-01", "2026-13-01", "--end '2026-13-01' is no date"),
        ("2026-01-02", "2026-01-02", "is not after --begin"),
        ("2026-01-03", "2026-01-02", "is not after --begin"),
    ],
)
def test_an_interval_that_is_none_is_refused(begin, end, problem):
    with pytest.raises(UsageError) as error:
        SpanInterval.parse(begin, end)
    assert problem in str(error.value)

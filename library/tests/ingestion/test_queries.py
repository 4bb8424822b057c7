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

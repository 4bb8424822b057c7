"""Cron expressions as the controller of scheduled workflows reads them."""

import datetime

import pytest

from tests.kubeflow.emulator.api.cron import InvalidCronError, parse

# A Wednesday.
MOMENT = datetime.datetime(2026, 7, 15, 12, 0, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 30 3 * * *", "2026-07-16T03:30:00"),
        ("0 30 3 * * MON", "2026-07-20T03:30:00"),
        ("0 */20 * * * ?", "2026-07-15T12:20:00"),
        ("5 0 12 15 * *", "2026-07-15T12:00:05"),
        ("0 0 12 1 jan ?", "2027-01-01T12:00:00"),
        ("0 0 0 20 * 5", "2026-07-17T00:00:00"),  # the 20th, or a Friday
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("@weekly", "2026-07-19T00:00:00"),
        # The five fields of everybody else: second 30 of minute 3 of each hour on the 1st.
        ("30 3 * 1 *", "2026-08-01T00:03:30"),
    ],
)
def test_the_next_moment(expression, following):
    assert parse(expression).next(MOMENT).isoformat() == f"{following}+00:00"


@pytest.mark.parametrize(
    "expression",
    ["", "* * *", "60 * * * * *", "* * * 0 * *", "* * * * * sat-mon", "*/0 * * * * *", "a * * * *"],
)
def test_what_is_no_expression(expression):
    with pytest.raises(InvalidCronError):
        parse(expression)


def test_a_day_that_never_comes():
    with pytest.raises(ValueError, match="no moment"):
        parse("0 0 0 30 2 *").next(MOMENT)

"""Dates in text against Python's own."""

import datetime
import random

import numpy as np
import pytest
import tensorflow as tf

from tfxkit.config.dataset import DateOrder
from tfxkit.features.text import seconds_of_text

UTC = datetime.UTC


def parse(*texts, order="ymd"):
    seconds, missing = seconds_of_text(tf.constant(texts), DateOrder(order))
    assert seconds.dtype == tf.float64
    return seconds.numpy(), missing.numpy()


def test_every_date_and_time_is_that_of_python():
    rng = random.Random(0)
    first, last = (datetime.datetime(y, 1, 1, tzinfo=UTC).timestamp() for y in (1, 9999))
    times = [datetime.datetime.fromtimestamp(rng.uniform(first, last), UTC) for _ in range(2000)]
    times += [
        datetime.datetime(year, month, day, tzinfo=UTC)
        for year in (1600, 1900, 1970, 2000, 2023, 2024, 2100)
        for month, day in ((1, 1), (2, 28), (3, 1), (12, 31))
    ]
    zone = datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "z"):
        texts = [
            t.astimezone(zone).isoformat() if form == "z" else f"{t.year:04}" + t.strftime(form[2:])
            for t in times[1:]
        ]
        expected = [datetime.datetime.fromisoformat(text) for text in texts]
        expected = [t if t.tzinfo else t.replace(tzinfo=UTC) for t in expected]
        seconds, missing = parse(*texts)
        assert not missing.any()
        np.testing.assert_allclose(seconds, [t.timestamp() for t in expected], rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-02", "2024-02-01T00:00:00Z"),
        (" 2024-02-29 ", "2024-02-29T00:00:00Z"),
        ("2024-02-29 23:59:60", "2024-03-01T00:00:00Z"),
        ("2024-01-01T00:30+01:00", "2023-12-31T23:30:00Z"),
        ("2024-01-01 00:30:00 -0130", "2024-01-01T02:00:00Z"),
        ("2024-01-01T00:30:00-00:30", "2024-01-01T01:00:00Z"),
        ("2024-01-01 00:30:00,25 UTC", "2024-01-01T00:30:00.25Z"),
        ("2024-01-01T00:30:00.123456789123+05", "2023-12-31T19:30:00.123456789Z"),
    ],
)
def test_what_iso_8601_and_those_who_almost_follow_it_write(text, same):
    seconds, missing = parse(text, same)
    assert not missing.any()
    assert seconds[0] == seconds[1]


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2024", "2024-13-01", "2024-00-01", "2023-02-29", "1900-02-29", "2024-04-31"),
        *("2024-01-00", "01-02-2024", "1/2/2024", "2024-01-01T24:00", "2024-01-01 12:60"),
        *("24-01-01", "2024-01-01 12:00:61", "2024-01-01x", "x2024-01-01", "2024-01-01 12"),
        *("2024-01-01Z", "2024-01-01\n2024-01-02", "２０２４-01-01"),
    ],
)
def test_what_is_no_date_is_missing(text):
    assert parse(text)[1].all()


@pytest.mark.parametrize(
    ("order", "text", "same"),
    [
        ("ymd", "2024/2/9", "2024-02-09"),
        ("ymd", "2024-Feb-09 06:05", "2024-02-09 06:05"),
        ("dmy", "29/02/2024", "2024-02-29"),
        ("dmy", "29.2.2024 18:30", "2024-02-29 18:30"),
        ("dmy", "9. 2. 24", "2024-02-09"),
        ("dmy", "31-12-69", "1969-12-31"),
        ("dmy", "31-12-68", "2068-12-31"),
        ("dmy", "3 Mar 2024", "2024-03-03"),
        ("dmy", "1st September 2024, 9:15", "2024-09-01 09:15"),
        ("dmy", "29-FEB-24", "2024-02-29"),
        ("mdy", "02/29/2024 06:30:05 PM", "2024-02-29 18:30:05"),
        ("mdy", "2/9/2024 12:00 AM", "2024-02-09 00:00"),
        ("mdy", "2/9/2024 12:00 p.m.", "2024-02-09 12:00"),
        ("mdy", "2/9/2024 1:05pm +01:30", "2024-02-09T13:05+01:30"),
        ("mdy", "Mar. 3, 2024", "2024-03-03"),
    ],
)
def test_dates_of_other_orders(order, text, same):
    seconds, missing = parse(text, order=order)
    assert not missing.any()
    assert seconds == parse(same)[0]


@pytest.mark.parametrize(
    ("order", "text"),
    [
        *(
            ("dmy", text)
            for text in ("02/29/2024", "2024-02-29", "31/4/2024", "1/1/024", "3 Mrz 2024")
        ),
        *(
            ("mdy", text)
            for text in ("29/02/2024", "Feb 30, 2024", "2/9/2024 13:00 PM", "2/9/2024 0:30 AM")
        ),
        *(("ymd", text) for text in ("29/02/2024", "24-02-29", "2024-29-02", "2024-Foo-02")),
    ],
)
def test_what_is_no_date_in_that_order_is_missing(order, text):
    assert parse(text, order=order)[1].all()


@pytest.mark.parametrize(
    ("order", "form"),
    [("dmy", "%d.%m.%Y %H:%M"), ("mdy", "%m/%d/%Y %I:%M:%S %p"), ("mdy", "%b %d, %Y")],
)
def test_every_day_of_a_leap_year_as_python_writes_it(order, form):
    days = [
        datetime.datetime(2024, 1, 1, tzinfo=UTC) + datetime.timedelta(hours=7 * n)
        for n in range(1254)
    ]
    seconds, missing = parse(*(day.strftime(form) for day in days), order=order)
    expected = [
        datetime.datetime.strptime(day.strftime(form), form).replace(tzinfo=UTC) for day in days
    ]
    assert not missing.any()
    assert seconds.tolist() == [day.timestamp() for day in expected]

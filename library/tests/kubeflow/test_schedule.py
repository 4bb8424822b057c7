"""A schedule means the same to a person, to Kubeflow's cron and to Vertex's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.kubeflow.emulator.api import cron
from tfxkit.errors import UsageError
from tfxkit.kubeflow.schedule import parse_schedule

# Five fields, and when they come next after Thursday, 1 January 2026, 00:00.
NEXT = [
    ("30 6 * * *", "2026-01-01T06:30"),
    ("0 0 * * 1-5", "2026-01-02T00:00"),
    ("0 12 * * sun", "2026-01-04T12:00"),
    ("*/20 * * * *", "2026-01-01T00:20"),
    ("15 10-18/4 1,15 FEB *", "2026-02-01T10:15"),
]


@pytest.mark.parametrize(("fields", "expected"), NEXT)
def test_kubeflow_starts_it_when_the_five_fields_say(fields, expected):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    found = cron.parse(parse_schedule(fields, None, "kubeflow").for_kubeflow()).next(moment)
    assert found == datetime.fromisoformat(f"{expected}:00+00:00")


def test_vertex_takes_a_time_zone():
    assert parse_schedule("30 6 * * *", "Europe/Berlin", "vertex").for_vertex() == (
        "TZ=Europe/Berlin 30 6 * * *"
    )
    assert parse_schedule(" 30  6 * * * ", None, "vertex").for_vertex() == "30 6 * * *"


WRONG = ["", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7"]
WRONG += ["5-1 * * * *", "*/0 * * * *", "1/5 * * * *", "a * * * *", "1,,2 * * * *", "* * ? * *"]
WRONG += ["0 0 30 6 * *"]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_one_of_them_would_take_otherwise_is_refused(wrong):
    with pytest.raises(UsageError, match="--schedule"):
        parse_schedule(wrong, None, "vertex")


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(UsageError, match="write it as Europe/Berlin"):
        parse_schedule("0 6 * * *", "CEST", "vertex")

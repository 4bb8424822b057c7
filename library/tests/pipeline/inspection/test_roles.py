"""Each rule decides what it should, and lets pass what it should not."""

import datetime

import pyarrow as pa
import pytest

from tests.pipeline.inspection.conftest import profiles
from tfxkit.config.dataset import CYCLES_S, DatePart, Role
from tfxkit.onboarding.roles import decide_role, names_a_group, names_an_age

N = 200
TOWNS = ("Ulm", "Bonn", "Köln")

# name of the column, its values as text, role, a part of the reason
COLUMNS = [
    ("empty", [""] * N, Role.IGNORED, "no value"),
    ("rare", ["7"] + [""] * (N - 1), Role.IGNORED, "Only 1 of 200"),
    ("same", ["a"] * N, Role.IGNORED, "always 'a'"),
    ("seen", ["a"] * 100 + [""] * 100, Role.CATEGORICAL, "or nothing"),
    ("user_id", [str(i * 7) for i in range(N)], Role.IGNORED, "identifier"),
    ("userId", [f"u{i}" for i in range(N)], Role.IGNORED, "identifier"),
    ("shop_id", [str(i % 9) for i in range(N)], Role.NUMERIC, "0 to 8"),
    ("n", [str(i + 1) for i in range(N)], Role.IGNORED, "numbers the rows"),
    ("price", [f"{i}.5" for i in range(N)], Role.NUMERIC, "0.5 to 199.5"),
    ("far", ["inf", "1e300"] + [f"{i}.5" for i in range(N - 2)], Role.IGNORED, "2 values are inf"),
    ("idea", [f"{i}.5" for i in range(N)], Role.NUMERIC, ""),
    ("u", [f"{i:08x}-0000-4000-8000-000000000000" for i in range(N)], Role.IGNORED, "UUID"),
    ("day", [f"2024-01-{i % 28 + 1:02}" for i in range(N)], Role.TIMESTAMP, "Dates"),
    ("at", [f"2024-01-{i % 28 + 1:02} 10:{i % 60:02}:00" for i in range(N)], Role.TIMESTAMP, ""),
    ("us", [f"1/{i % 28 + 1}/2024 9:05 PM" for i in range(N)], Role.TIMESTAMP, "1/1/2024 9:05"),
    ("which", [f"{i % 12 + 1}/{i % 11 + 1}/2024" for i in range(N)], Role.IGNORED, "order: dmy"),
    (
        "part",
        [f"{i % 9}{i % 7}-{i % 90}-{i % 100:02}" for i in range(N)],
        Role.IGNORED,
        "different",
    ),
    ("created", [str(1_700_000_000 + 977 * i) for i in range(N)], Role.TIMESTAMP, "Counts s"),
    ("amount", [str(1_700_000_000_000 + 977 * i) for i in range(N)], Role.NUMERIC, ""),
    ("time_ms", [str(1_700_000_000_000 + 977 * i) for i in range(N)], Role.TIMESTAMP, "ms"),
    ("remark", [f"no {i} was not at home today" for i in range(N)], Role.TEXT, "Free text"),
    ("name", [f"Miller {i}" for i in range(N)], Role.IGNORED, "200 different"),
    ("town", [TOWNS[i % 3] for i in range(N)], Role.CATEGORICAL, "3 different"),
    ("zip", [f"0{i % 50 + 1000}" for i in range(N)], Role.CATEGORICAL, "50 different"),
    ("zip_code", [str(i % 50 + 10_000) for i in range(N)], Role.CATEGORICAL, "names of"),
    ("flag", [str(i % 2) for i in range(N)], Role.CATEGORICAL, "'0' and '1'"),
    (
        "answer",
        ["true" if i % 3 else "false" for i in range(N)],
        Role.CATEGORICAL,
        "'True' and 'False'",
    ),
    ("age", ["NA" if i % 9 == 0 else str(i % 80) for i in range(N)], Role.NUMERIC, ""),
    ("account", [str(17_031_320_100 + i % 40) for i in range(N)], Role.CATEGORICAL, "names of"),
    ("cents", [str(9_999_999 + 20_111 * i) for i in range(N)], Role.NUMERIC, ""),
    ("huge", [str(10**20 + i % 60) for i in range(N)], Role.CATEGORICAL, "60 different"),
]


@pytest.fixture(scope="module")
def profiled():
    return profiles({name: pa.array([v or None for v in values]) for name, values, *_ in COLUMNS})


@pytest.mark.parametrize(("name", "role", "why"), [(c[0], c[2], c[3]) for c in COLUMNS])
def test_role_of_a_column(name, role, why, profiled):
    decision = decide_role(profiled[name])
    assert decision.role == role, decision.why
    assert why in decision.why


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("{y}-{m:02}-{d:02}", {"unit": "text"}),
        ("{y}/{m}/{d} 18:30", {"unit": "text"}),
        ("{d}.{m}.{y}", {"unit": "text", "order": "dmy"}),
        ("{d} Mar {y}", {"unit": "text", "order": "dmy"}),
        ("{m:02}/{d:02}/{y}", {"unit": "text", "order": "mdy"}),
        ("Mar {d}, {y}", {"unit": "text", "order": "mdy"}),
    ],
)
def test_the_order_of_dates(form, options):
    days = [form.format(y=2024, m=i % 12 + 1, d=i % 28 + 1) for i in range(N - 1)]
    decision = decide_role(profiles({"day": [*days, "unclear"]})["day"])
    found = {key: value for key, value in decision.options.items() if key != "parts"}
    assert (decision.role, found) == (Role.TIMESTAMP, options)


DAY = datetime.datetime(2023, 12, 25)
EVERY = [DAY + datetime.timedelta(hours=7 * i) for i in range(N)]
DAILY = [DAY + datetime.timedelta(days=i) for i in range(N)]


@pytest.mark.parametrize(
    ("times", "left_out"),
    [
        (EVERY, []),
        (DAILY, ["time_of_day"]),
        ([t.replace(hour=23, minute=58 + i % 2) for i, t in enumerate(DAILY)], ["time_of_day"]),
        ([DAY.replace(minute=i % 2) for i in range(N)], list(CYCLES_S)),
        ([DAY + datetime.timedelta(days=7 * i) for i in range(N)], ["time_of_day", "time_of_week"]),
        ([DAY.replace(year=1990 + i % 40) for i in range(N)], ["time_of_day", "time_of_year"]),
        ([t.replace(day=1) for t in DAILY], ["time_of_day"]),
    ],
    ids=["varied", "days", "around midnight", "one day", "weeks", "years", "months"],
)
@pytest.mark.parametrize("kind", ["text", "epoch"])
def test_parts_of_dates_that_are_constant_are_no_features(times, left_out, kind):
    if kind == "text":
        values, options = [str(time) for time in times], {"unit": "text"}
    else:
        utc = [time.replace(tzinfo=datetime.UTC) for time in times]
        values, options = [1000 * int(time.timestamp()) for time in utc], {"unit": "ms"}
    decision = decide_role(profiles({"created_at": values})["created_at"])
    kept = [part for part in DatePart if part not in left_out]
    assert decision.options == options | ({"parts": kept} if left_out else {})
    for part in left_out:
        assert part in decision.why


def test_a_date_or_nothing_keeps_its_rank():
    values = ["2024-02-29" if i % 3 else None for i in range(N)]
    decision = decide_role(profiles({"left": values})["left"])
    assert decision.options == {"unit": "text", "parts": ["trend"]}
    assert decision.why.endswith(
        "Without time_of_day, time_of_week and time_of_year, which are the same in all rows."
    )


@pytest.mark.parametrize(
    ("name", "is_group"),
    [
        *((name, True) for name in ("gender", "applicantSex", "race_1", "Home State", "país")),
        *((name, True) for name in ("SeniorCitizen", "derived_ethnicity", "Bundesland", "性别")),
        *((name, False) for name in ("trace", "estate", "destination", "status", "sextant")),
    ],
)
def test_names_of_groups_of_people_and_places(name, is_group):
    assert names_a_group(name) == is_group
    decision = decide_role(profiles({name: [i % 5 + 1 for i in range(N)]})[name])
    assert decision.role == (Role.CATEGORICAL if is_group else Role.NUMERIC)


@pytest.mark.parametrize(
    ("name", "is_age"),
    [("age", True), ("CustomerAge", True), ("Alter", True), ("wage", False), ("average", False)],
)
def test_names_of_ages(name, is_age):
    assert names_an_age(name) == is_age


def test_many_names_are_hashed():
    values = [f"n{i % 1500}" for i in range(6000)]
    assert decide_role(profiles({"name": values})["name"]).role == Role.HASHED


def test_words_for_missing_are_missing(profiled):
    age = profiled["age"]
    assert (age.type, dict(age.inferred.markers), age.missing) == ("INT", {"NA": 23}, 23)


def test_a_column_of_numbers_with_a_typing_error_is_text_and_says_where():
    values = [str(i) for i in range(99)] + ["12a"]
    column = profiles({"x": values})["x"]
    assert (column.type, column.inferred.odd) == ("BYTES", ((99, "12a"),))


def test_house_numbers_are_no_typing_errors():
    values = [f"{i}{'ab'[i % 2] if i % 4 == 0 else ''}" for i in range(100)]
    assert profiles({"x": values})["x"].inferred.odd == ()

"""Each rule decides what it should, and lets pass what it should not."""

import pyarrow as pa
import pytest

from tests.pipeline.inspection.conftest import profiles
from tfxkit.config.dataset import Role
from tfxkit.onboarding.roles import decide_role

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
    assert (decision.role, decision.options) == (Role.TIMESTAMP, options)


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

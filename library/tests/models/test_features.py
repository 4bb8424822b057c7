import itertools
import re

from tfxkit.features.model_inputs import part_name, safe_name

PARTS = ("code", "rank", "words", "trend", "time_of_day")


def test_no_two_columns_share_a_name():
    columns = ["".join(c) for n in range(1, 6) for c in itertools.product("_u20 x", repeat=n)]
    names = {part_name(column, part) for column in columns for part in PARTS}
    assert len(names) == len(columns) * len(PARTS)


def test_plain_names_stay_readable():
    assert safe_name("trip_start_hour") == "trip_start_hour"


def test_every_name_is_made_of_characters_that_tensorflow_takes():
    for column in ("a b", "a.b", "a/b", "preis €", "数", "🚕", "a\nb", "class"):
        assert re.fullmatch(r"[A-Za-z0-9_]+", safe_name(column))

"""Role of each column: plain rules, tried one after the other; the first that fits decides.

Each rule gives its reason, and each threshold is a constant with its reason. Numbers need no rule
for heavy tails: as ranks (`tfxkit.features.helpers.rank`) they have none.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from numpy.typing import NDArray

from tfxkit.config.dataset import CYCLES_S, TICKS_PER_SECOND, DateOrder, DatePart, Role
from tfxkit.features.text import seconds_of_text
from tfxkit.onboarding.profile import Profile
from tfxkit.values.inference import ODD_SHARE

# Share of distinct values in an identifier: a few are repeated by mistake.
UNIQUE_SHARE = 0.95
# A model learns little about a value in fewer rows: such values count as one.
MIN_COUNT = 3
# Above, a vocabulary (an embedding for each value, a file in the graph) costs more than hashing.
MAX_VOCABULARY = 1_000
HASH_BUCKETS = 256
# Below, a column teaches next to nothing.
MIN_PRESENT_SHARE = 0.02
# Free text has many words and few repetitions; names of things have fewer words.
TEXT_WORDS = 4
TEXT_UNIQUE_SHARE = 0.3
# Text with another value in nearly each row is memorized, not understood.
NEARLY_UNIQUE_TEXT = 0.7
_SHOWN_CHARACTERS = 60  # of a value
# Share of distinct values up to which large whole numbers, which float32 merges, are codes; and of
# merged ones up to which amounts lose nothing.
_REPEATED, _FEW_MERGED = 0.5, 0.01
# Times within this part of a day, week or year are at one place in it: five minutes of a day, a day
# of a year, which leap years move.
_ONE_PLACE = 1 / 300
# Times since 1970 are between 1990 and 2100, whatever they count.
_FIRST_S, _LAST_S = 631_152_000, 4_102_444_800
ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|idx|rowid|row|no|nr|number)$", re.I)
ID_CAMEL = re.compile(r"[a-z](Id|ID|UUID|Key)$")
TIME_NAME = re.compile(r"(time|date|stamp|created|updated|_at$|_on$|_ts$|^ts$)", re.I)
CODE_NAME = re.compile(r"(zip|postal|postcode|code|area|tract|type|class|category|region)$", re.I)
# Groups of people or places: numbers are names of them, and a model is evaluated by them. By whole
# words of a column's name, in some languages, and by parts of words that are like no others.
_GROUPS = (
    r"gender|sexe?|race|ethnic|ethnicity|nation|national|nationality|religion|region|country|state|"
    r"province|county|district|continent|marital|disability|disabled|veteran|senior|geschlecht|"
    r"land|bundesland|herkunft|staat|genero|sexo|sesso|geslacht|plec|ethnie|etnia|pais|pays|paese|"
    r"kraj|estado|etat|provincia|regione|regiao|пол|страна|регион|национальность"
)
_GROUP_PARTS = (
    r"gender|ethnic|country|citizen|nationality|disab|marital|geschlecht|"
    r"性别|性別|国家|國家|国籍|地区|地域|民族"
)
_AGES = r"age|alter|edad|idade|eta|leeftijd|wiek|alder|возраст"
_WORD = r"(?<![^\W\d_])(?:{})(?![^\W\d_])"
GROUP_NAME = re.compile(f"{_WORD.format(_GROUPS)}|{_GROUP_PARTS}")
AGE_NAME = re.compile(f"{_WORD.format(_AGES)}|年龄|年齢|年齡")
UUID = r"^\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?$"


@dataclasses.dataclass(frozen=True)
class Decision:
    """Role of a column, and the reason.

    Attributes:
        role: As in `configs/dataset.yaml`.
        why: Reason; a sentence.
        options: Options of the role.
        kept: Decision for a column that is ignored as a leak of the label, if a person keeps it.
    """

    role: Role
    why: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    kept: Decision | None = None


Rule = Callable[[Profile], Decision | None]


def plain_name(name: str) -> str:
    """Name of a column in lower-case letters without accents, its words apart."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    letters = unicodedata.normalize("NFKD", words)
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", plain).casefold()


def names_a_group(name: str) -> bool:
    """True for a column of groups of people or places, such as gender, race or region."""
    return bool(GROUP_NAME.search(plain_name(name)))


def names_an_age(name: str) -> bool:
    """True for a column of ages."""
    return bool(AGE_NAME.search(plain_name(name)))


def decide_role(column: Profile) -> Decision:
    """Decides on the role of a column by the first rule that fits."""
    for rule in RULES:
        if decision := rule(column):
            return decision
    raise AssertionError("the last rule fits every column")


def _ignored(why: str) -> Decision:
    return Decision(Role.IGNORED, why)


def unreadable(column: Profile) -> Decision | None:
    """No text, number or time in a row: lists, structs, bytes."""
    reason = column.inferred.why_unreadable
    return _ignored(f"{reason}.") if reason else None


def empty(column: Profile) -> Decision | None:
    """No values, or nearly none; or values at which the gate would stop every run."""
    if column.infinite:
        return _ignored(f"{column.infinite:,} values are infinite, or beyond 3.4e38: correct them.")
    if not column.present:
        return _ignored("It has no value.")
    if column.present < MIN_PRESENT_SHARE * column.rows:
        return _ignored(f"Only {column.present:,} of {column.rows:,} rows have a value.")
    return None


def constant(column: Profile) -> Decision | None:
    """The same value in all rows; a value in some rows only can be learned from."""
    if column.distinct > 1 or column.missing:
        return None
    return _ignored(f"It is always {_shown(next(iter(column.counts())))}.")


def uuid(column: Profile) -> Decision | None:
    """Text in the form of UUIDs."""
    if column.type == "BYTES" and _matches(column, UUID):
        return _ignored("Identifiers (UUID).")
    return None


def date(column: Profile) -> Decision | None:
    """Dates in text, all in one order of day, month and year."""
    if column.type != "BYTES":
        return None
    texts = list(column.counts())
    shares = {
        order: float(seconds_of_text(tf.constant(texts), order)[1].numpy().mean())
        for order in DateOrder
    }
    least = min(shares.values())
    if least > ODD_SHARE:
        return None
    orders = [order for order, share in shares.items() if share == least]
    example = f"Dates such as {texts[0]!r}"
    if len(orders) > 1:
        return _ignored(f"{example}: day or month first? Give unit: text and order: dmy.")
    options = {"unit": "text"} | ({} if orders == [DateOrder.YMD] else {"order": str(orders[0])})
    return _timestamp(column, f"{example}.", options)


def epoch(column: Profile) -> Decision | None:
    """Whole numbers that count since 1970, in a column with a name for times."""
    if column.type != "INT" or not TIME_NAME.search(column.name):
        return None
    low, high = column.statistics.num_stats.min, column.statistics.num_stats.max
    for unit, ticks in TICKS_PER_SECOND.items():
        if _FIRST_S * ticks <= low and high <= _LAST_S * ticks:
            options = {} if unit == "s" else {"unit": unit}
            return _timestamp(column, f"Counts {unit} since 1970.", options)
    return None


def _timestamp(column: Profile, why: str, options: dict[str, Any]) -> Decision:
    """Decision for points in time, without the parts that are the same in all of them."""
    seconds = seconds_since_1970(column.values, options)
    same = constant_parts(seconds[np.isfinite(seconds)])
    if not same:
        return Decision(Role.TIMESTAMP, why, options)
    parts = [str(part) for part in DatePart if part not in same]
    names = " and ".join([", ".join(same[:-1]), same[-1]] if same[1:] else same)
    why += f" Without {names}, which {'is' if len(same) == 1 else 'are'} the same in all rows."
    return Decision(Role.TIMESTAMP, why, options | {"parts": parts})


def seconds_since_1970(values: pa.Array, options: Mapping[str, Any]) -> NDArray[np.float64]:
    """Seconds of points in time, with the options of their role; NaN where there is no such point.

    Args:
        values: Numbers or text.
        options: `unit` and `order` of the role.
    """
    unit = options.get("unit", "s")
    if unit != "text":
        ticks = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return ticks / TICKS_PER_SECOND[unit]
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    if not texts:
        return np.full(len(values), np.nan)
    seconds, no_date = seconds_of_text(tf.constant(texts), DateOrder(options.get("order", "ymd")))
    by_text = np.where(no_date.numpy(), np.nan, seconds.numpy())
    places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return np.where(values.is_valid().to_numpy(zero_copy_only=False), by_text[places], np.nan)


def constant_parts(seconds: NDArray[np.float64]) -> list[DatePart]:
    """Parts of dates that are the same in all rows, such as the time of day of plain dates."""
    if not seconds.size:
        return []
    same = []
    for part, length in CYCLES_S.items():
        places = np.unique(np.mod(seconds, length) / length)
        # 23:59 and 00:01 are neighbours, so the places lie on a circle.
        gaps = np.diff(places, append=places[0] + 1)
        if 1 - gaps.max() <= _ONE_PLACE:
            same.append(part)
    return same


def identifier(column: Profile) -> Decision | None:
    """Another value in each row, in a column with a name or a form of identifiers."""
    if column.type == "FLOAT" or column.unique_share < UNIQUE_SHARE:
        return None
    has_name = ID_NAME.search(column.name) or ID_CAMEL.search(column.name)
    if has_name:
        return _ignored("An identifier, by its name: another value in nearly each row.")
    if column.type == "INT" and column.unique_share == 1.0 and _counts_up(column):
        return _ignored("It numbers the rows.")
    return None


def free_text(column: Profile) -> Decision | None:
    """Text of several words, rarely repeated."""
    if column.type != "BYTES" or column.unique_share < TEXT_UNIQUE_SHARE:
        return None
    words = pc.mean(pc.add(pc.count_substring(_text(column), " "), 1)).as_py()
    if words < TEXT_WORDS:
        return None
    return Decision(Role.TEXT, f"Free text, {words:.0f} words on average.")


def nearly_unique(column: Profile) -> Decision | None:
    """Another text in nearly each row: names, ticket numbers."""
    if column.type != "BYTES" or column.unique_share < NEARLY_UNIQUE_TEXT:
        return None
    return _ignored(f"{column.distinct:,} different values in {column.present:,} rows.")


def two_values(column: Profile) -> Decision | None:
    """Two values, or one value and missing ones: nothing lies between them."""
    if column.distinct > 2:  # noqa: PLR2004
        return None
    values = " and ".join(map(_shown, column.counts()))
    return Decision(Role.CATEGORICAL, f"{values}{' or nothing' if column.missing else ''}.")


def category(column: Profile) -> Decision | None:
    """Text, or whole numbers that are names."""
    is_name = CODE_NAME.search(column.name) or names_a_group(column.name)
    repeated = column.unique_share <= _REPEATED and merged_by_float32(column)
    coded = column.type == "INT" and (is_name or repeated)
    if column.type != "BYTES" and not coded:
        return None
    why = f"{column.distinct:,} different values"
    why += ", numbers that are names of something" if coded else ""
    if column.distinct > MAX_VOCABULARY:
        return Decision(Role.HASHED, f"{why}: too many to list.", {"buckets": HASH_BUCKETS})
    return Decision(Role.CATEGORICAL, f"{why}.", {"min_count": MIN_COUNT})


def merged_by_float32(column: Profile) -> int:
    """Number of whole numbers that a model cannot tell from others as amounts; 0 if it is few."""
    if column.type != "INT":
        return 0
    seen = pc.count_distinct(column.values.cast(pa.float32(), safe=False), mode="only_valid")
    merged = int(column.distinct - seen.as_py())
    return merged if merged > _FEW_MERGED * column.distinct else 0


def number(column: Profile) -> Decision:
    """The default role: an amount."""
    stats = column.statistics.num_stats
    return Decision(Role.NUMERIC, f"{stats.min:.6g} to {stats.max:.6g}.")


RULES: Sequence[Rule] = (
    unreadable,
    empty,
    constant,
    uuid,
    date,
    epoch,
    identifier,
    free_text,
    nearly_unique,
    two_values,
    category,
    number,
)


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]} …")


def _text(column: Profile) -> pa.Array:
    return column.values.drop_null().cast(pa.string())


def _matches(column: Profile, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(_text(column), pattern)).as_py())


def _counts_up(column: Profile) -> bool:
    """Whole numbers without gaps, whatever their order."""
    stats = column.statistics.num_stats
    return bool(stats.max - stats.min + 1 == column.present)

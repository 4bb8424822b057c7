"""Role of each column: plain rules, tried one after the other; the first that fits decides.

Each rule gives its reason, and each threshold is a constant with its reason. Numbers need no rule
for heavy tails: as ranks (`tfxkit.features.helpers.rank`) they have none.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from tfxkit.config.dataset import TICKS_PER_SECOND, DateOrder, Role
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
# Times since 1970 are between 1990 and 2100, whatever they count.
_FIRST_S, _LAST_S = 631_152_000, 4_102_444_800
ID_NAME = re.compile(r"(^|[_\W])(id|ids|uuid|guid|key|index|idx|rowid|row|no|nr|number)$", re.I)
ID_CAMEL = re.compile(r"[a-z](Id|ID|UUID|Key)$")
TIME_NAME = re.compile(r"(time|date|stamp|created|updated|_at$|_on$|_ts$|^ts$)", re.I)
CODE_NAME = re.compile(r"(zip|postal|postcode|code|area|tract|type|class|category|region)$", re.I)
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
    return Decision(Role.TIMESTAMP, f"{example}.", options)


def epoch(column: Profile) -> Decision | None:
    """Whole numbers that count since 1970, in a column with a name for times."""
    if column.type != "INT" or not TIME_NAME.search(column.name):
        return None
    low, high = column.statistics.num_stats.min, column.statistics.num_stats.max
    for unit, ticks in TICKS_PER_SECOND.items():
        if _FIRST_S * ticks <= low and high <= _LAST_S * ticks:
            options = {} if unit == "s" else {"unit": unit}
            return Decision(Role.TIMESTAMP, f"Counts {unit} since 1970.", options)
    return None


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
    coded = column.type == "INT" and CODE_NAME.search(column.name)
    if column.type != "BYTES" and not coded:
        return None
    why = f"{column.distinct:,} different values"
    why += ", numbers that are names of something" if coded else ""
    if column.distinct > MAX_VOCABULARY:
        return Decision(Role.HASHED, f"{why}: too many to list.", {"buckets": HASH_BUCKETS})
    return Decision(Role.CATEGORICAL, f"{why}.", {"min_count": MIN_COUNT})


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

"""Values that stand for a missing one: words such as NA, and numbers such as -999."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

# Among numbers each of these can be nothing else.
AMONG_NUMBERS = frozenset(
    {"NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "Null", "null", "None", "none", "nil"}
    | {"#N/A", "#NA", "?", "-", "--", ".", "*", "missing", "unknown"}
)
# In text only those that are no word: somebody may be called None, and a grade may be "-".
IN_TEXT = frozenset({"NA", "N/A", "n/a", "NaN", "NULL", "null", "?", "#N/A", "#NA"})
_SENTINELS = frozenset([-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999])
# It is apart from the rest by more than this part of their range, or negative where they are not.
_FAR = 0.5
_SCALE = 2  # -1, 0 and 1 are a scale
_OFTEN = 3  # rows: once or twice may be a typing error


def markers(column: pa.Array, numbers: bool) -> dict[str, int]:
    """The words for "missing" in a column of text, and how often each is there.

    Args:
        column: Text.
        numbers: Whether the other values are numbers.
    """
    known = AMONG_NUMBERS if numbers else IN_TEXT
    found = pc.value_counts(column.filter(pc.is_in(column, pa.array(sorted(known)))))
    return {str(one["values"]): one["counts"].as_py() for one in found}


def sentinel(values: pa.Array) -> tuple[float, int] | None:
    """A number that seems to stand for "missing", and how often it is there.

    It is the lowest or the highest value, of the usual kind, repeated, and apart from the rest.
    """
    bounds: Mapping[str, float] = pc.min_max(values).as_py()
    for value in bounds.values():
        if value not in _SENTINELS:
            continue
        rest = values.filter(pc.not_equal(values, value))
        low, high = pc.min_max(rest).as_py().values()
        count = pc.sum(pc.equal(values, value)).as_py()
        if low is None or count < _OFTEN or high - low <= _SCALE:
            continue
        gap = low - value if value < low else value - high
        negative = value < 0 <= low
        if gap > _FAR * (high - low) or negative:
            return value, count
    return None

"""Decimal separator of a CSV file: a point, or a comma as in 1,5."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.onboarding import missing

_WITH_COMMA = r"^\s*[+-]?\d+(?:,\d+)?\s*$"
_WITH_POINT = r"^\s*[+-]?\d+\.\d+\s*$"
_FRACTION = r",(?:\d{1,2}|\d{4,})\s*$"  # 1,234 may be a thousand
_MOST = 0.95  # of the values: a typing error does not make a column of numbers one of words


def decimal_of(table: pa.Table) -> str:
    """The sign that the numbers of a table are written with.

    It is a comma if a column has nearly nothing but whole numbers and numbers with a comma, and a
    fraction that is not of three digits, and if no column has numbers with a point.

    Args:
        table: Columns of text.
    """
    comma = False
    for column in table.columns:
        text = column.filter(pc.invert(pc.is_in(column, pa.array(sorted(missing.AMONG_NUMBERS)))))
        text = text.drop_null()
        if _share(text, _WITH_POINT) > 0.5:  # noqa: PLR2004
            return "."
        comma |= _share(text, _WITH_COMMA) >= _MOST and _share(text, _FRACTION) > 0
    return "," if comma else "."


def has_commas(text: pa.Array) -> bool:
    """True if nearly all values are numbers, some of them with a comma."""
    text = text.drop_null().cast(pa.string())
    return _share(text, _WITH_COMMA) >= _MOST and _share(text, ",") > 0


def _share(text: pa.Array | pa.ChunkedArray, pattern: str) -> float:
    return pc.mean(pc.match_substring_regex(text, pattern).cast(pa.int8())).as_py() or 0.0

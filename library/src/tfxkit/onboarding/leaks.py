"""Columns that are the label under another name: its text, its number, the same in other units."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tfxkit.config.dataset import Task
from tfxkit.onboarding.profile import Profile
from tfxkit.onboarding.target import Target

# Share of rows that must agree: names of classes typed by hand are wrong now and then.
SAME_SHARE = 0.995
# Two measurements of one thing agree less than that; a change of units, rounding included, more.
SAME_CORRELATION = 0.9999


def why_same(column: Profile, label: Profile, target: Target) -> str | None:
    """Says why a column is the label once more, or nothing if it is not.

    A class's name, code or colour in a chart goes with the label in both directions: each of its
    values has one class, and each class one value. A good predictor does so in one direction.
    """
    if target.task is Task.REGRESSION:
        if column.type == "BYTES":
            return None
        r = abs(_correlation(column.values, label.values))
        if not r >= SAME_CORRELATION:  # nor is it where it cannot be computed
            return None
        return f"Nearly the label itself: it correlates with it by {r:.6f}."
    if column.distinct != label.distinct:
        return None
    pairs = pa.table({"value": column.values, "label": label.values})
    pairs = pairs.filter(pc.is_valid(pairs["label"]))
    counts = pairs.group_by(["value", "label"]).aggregate([([], "count_all")])
    for side in ("value", "label"):
        most = counts.group_by(side).aggregate([("count_all", "max")])
        if pc.sum(most["count_all_max"]).as_py() < SAME_SHARE * pairs.num_rows:
            return None
    return "The label under another name: the two go together in both directions."


def _correlation(x: pa.Array, y: pa.Array) -> float:
    both = pc.and_(pc.is_valid(x), pc.is_valid(y))
    x, y = (values.filter(both).cast(pa.float64()) for values in (x, y))
    if len(x) < 3:  # noqa: PLR2004 (two points are always on a line)
        return 0.0
    x, y = (pc.subtract(values, pc.mean(values)) for values in (x, y))
    spread = (pc.sum(pc.multiply(x, x)).as_py() * pc.sum(pc.multiply(y, y)).as_py()) ** 0.5
    return float(pc.sum(pc.multiply(x, y)).as_py() / spread) if spread else 0.0

"""What changed in the data: spans, rows, fingerprints, and the columns that moved most."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tfxkit.config.dataset import Role
from tfxkit.report import histogram, words
from tfxkit.report.column_numbers import ColumnNumbers, numbers
from tfxkit.report.comparison.pair import Pair
from tfxkit.report.data import Drift, by_split, drift_of, role_of, rows_of
from tfxkit.report.histogram import Histogram
from tfxkit.report.origin import data_fingerprints
from tfxkit.report.run import Run
from tfxkit.storage.statistics import Columns

MOST_COLUMNS = 10
_SPLIT = "train"


@dataclasses.dataclass(frozen=True)
class ColumnChange:
    """A column in the training data of both runs.

    Attributes:
        name: Of the column.
        role: What it is for.
        histogram: Bars for the older run, an outline for the newer one.
        moved: How far, the largest of all splits; None if that cannot be said.
        older, newer: Its numbers.
    """

    name: str
    role: str
    histogram: Histogram
    moved: Drift | None
    older: ColumnNumbers
    newer: ColumnNumbers

    @property
    def distance(self) -> float:
        """How far it moved; what cannot be compared comes first."""
        return 2.0 if self.moved is None else self.moved.distance


@dataclasses.dataclass(frozen=True)
class Data:
    """The section.

    Attributes:
        spans: Of the older and of the newer run, in words.
        rows: By split: older, newer.
        fingerprints: What, older, newer.
        moved: The columns that moved, the furthest first, not more than are looked at.
        more: How many others moved.
        still: How many did not.
        only_older, only_newer: Columns that the other run does not have.
        compared: Whether statistics of both runs are there.
        told: What the data gate let pass in the newer run only, and in the older one only.
    """

    spans: tuple[str, str]
    rows: Mapping[str, tuple[int, int]]
    fingerprints: list[tuple[str, str, str]]
    moved: list[ColumnChange]
    more: int
    still: int
    only_older: list[str]
    only_newer: list[str]
    compared: bool
    told: tuple[list[str], list[str]]

    @property
    def changed(self) -> bool:
        """Whether anything of the data is another."""
        return self.spans[0] != self.spans[1] or any(a != b for _, a, b in self.fingerprints)


def make(pair: Pair) -> Data:
    """Collects the section."""
    older, newer = pair.older, pair.newer
    found = [_fingerprints(run) for run in (older, newer)]
    before, after = _statistics(older), _statistics(newer)
    columns = _columns(newer, before, after)
    moved = sorted((one for one in columns if one.distance > 0), key=lambda one: -one.distance)
    sides = [before.get(_SPLIT, {}), after.get(_SPLIT, {})]
    gates = [run.summary.data_gate for run in (older, newer)]
    return Data(
        spans=(_spans(older), _spans(newer)),
        rows={
            split: (rows_of(before.get(split, {})), rows_of(after.get(split, {})))
            for split in sorted(before.keys() | after.keys(), reverse=True)
        },
        fingerprints=[
            (what, found[0].get(what, ""), found[1].get(what, ""))
            for what in {**found[0], **found[1]}
        ],
        moved=moved[:MOST_COLUMNS],
        more=len(moved[MOST_COLUMNS:]),
        still=len(columns) - len(moved),
        only_older=sorted(sides[0].keys() - sides[1].keys()),
        only_newer=sorted(sides[1].keys() - sides[0].keys()),
        compared=bool(before and after),
        told=(
            [line for line in gates[1] if line not in gates[0]],
            [line for line in gates[0] if line not in gates[1]],
        ),
    )


def _fingerprints(run: Run) -> dict[str, str]:
    """Empty if what they are of is not there any more."""
    try:
        return data_fingerprints(run)
    except OSError:
        return {}


def _statistics(run: Run) -> dict[str, Columns]:
    """By split; empty if they are not there any more."""
    artifact = run.artifact("StatisticsGen", "statistics")
    try:
        return by_split(artifact) if artifact else {}
    except OSError:
        return {}


def _columns(
    newer: Run, before: Mapping[str, Columns], after: Mapping[str, Columns]
) -> list[ColumnChange]:
    old, new = before.get(_SPLIT, {}), after.get(_SPLIT, {})
    columns = []
    for name in new:
        if name not in old:
            continue
        how = newer.dataset.columns.get(name)
        is_time = how is not None and how.role is Role.TIMESTAMP
        write = words.date_writer(how.unit) if how and is_time else words.number
        columns.append(
            ColumnChange(
                name=name,
                role=role_of(newer, name),
                histogram=histogram.draw({"older": old[name], "newer": new[name]}, write),
                moved=drift_of(newer, name, after, before),
                older=numbers(old[name], write),
                newer=numbers(new[name], write),
            )
        )
    return columns


def _spans(run: Run) -> str:
    return ", ".join(map(str, run.summary.spans))

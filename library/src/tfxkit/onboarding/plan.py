"""Everything that `init` decides about a data set, before any of it is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tfxkit.config.dataset import Role, Task
from tfxkit.errors import UsageError
from tfxkit.onboarding import expectations, leaks, profile, roles, target
from tfxkit.onboarding.profile import Profile
from tfxkit.onboarding.roles import Decision
from tfxkit.onboarding.table import Table, find_sentinel, has_commas
from tfxkit.onboarding.target import Target


@dataclasses.dataclass(frozen=True)
class Plan:
    """Facts and decisions about the data.

    Attributes:
        columns: All columns, the label's too.
        target: What is predicted.
        roles: Of all columns but the label's.
        thresholds, slices, drift: See `tfxkit.onboarding.expectations`.
        missing: Words that count as a missing value.
        warnings: What a person should look at; a sentence or two each.
    """

    columns: Mapping[str, Profile]
    target: Target
    roles: Mapping[str, Decision]
    thresholds: Mapping[str, expectations.Bound]
    slices: tuple[str, ...]
    drift: Mapping[str, tuple[str, float]]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def label(self) -> Profile:
        """The label's column."""
        return self.columns[self.target.label.column]


def make(table: Table, label: str | None = None, task: Task | None = None) -> Plan:
    """Decides.

    Args:
        table: The data.
        label: The label's column, if the user named it.
        task: The task, if the user named it.

    Raises:
        UsageError: If nothing can be learned from the data.
    """
    columns = profile.profile(table.columns, table.csv_format.decimal if table.csv_format else ".")
    chosen = target.find(columns, label, task)
    decided = {
        name: _role(column, columns[chosen.label.column], chosen)
        for name, column in columns.items()
        if name != chosen.label.column
    }
    if all(one.role is Role.IGNORED for one in decided.values()):
        why = "\n".join(f"  {name}: {one.why}" for name, one in list(decided.items())[:10])
        raise UsageError(f"No column is left to predict {chosen.label.column!r} from:\n{why}")
    _check_markers(columns, chosen)
    features = {name: columns[name] for name in decided}
    return Plan(
        columns=columns,
        target=chosen,
        roles=decided,
        thresholds=expectations.thresholds(chosen, columns[chosen.label.column]),
        slices=expectations.slices(features, decided),
        drift=expectations.drift(features, decided),
        missing=tuple(sorted({word for column in columns.values() for word in column.markers})),
        warnings=(*chosen.warnings, *_suspects(features, decided)),
    )


def _check_markers(columns: Mapping[str, Profile], chosen: Target) -> None:
    """A word counts as missing in every column: so none of them may be a class."""
    for name, column in columns.items():
        if clash := sorted(column.markers.keys() & chosen.counts.keys()):
            raise UsageError(
                f"{clash[0]!r} stands for a missing value in the column {name!r}, but is a class "
                f"of the label {chosen.label.column!r}. Leave it empty there, or rename the class."
            )


def _role(column: Profile, label: Profile, chosen: Target) -> Decision:
    decision = roles.decide(column)
    if decision.role is not Role.IGNORED and (why := leaks.why_same(column, label, chosen)):
        return Decision(Role.IGNORED, why)
    return decision


def _suspects(columns: Mapping[str, Profile], decided: Mapping[str, Decision]) -> list[str]:
    found = []
    for name, column in columns.items():
        if column.odd:
            shown = ", ".join(f"{value!r} (row {row + 1})" for row, value in column.odd)
            found.append(
                f"{name}: mixed types: nearly all values are numbers, but not {shown}. "
                "It is read as text; correct these values and run init again to have numbers."
            )
        if column.type == "BYTES" and has_commas(column.values):
            found.append(
                f"{name}: numbers with a comma (1,5 or 1,000) are read as text: other columns have "
                "points, or it is not clear what the comma means. Write them with a point."
            )
        if decided[name].role is Role.NUMERIC and (suspect := find_sentinel(column.values)):
            value, rows = suspect
            found.append(
                f"{name}: {value:g} in {rows:,} rows lies far from all other values. If it means "
                "that the value is missing, leave it empty; it is used as a number now."
            )
    return found

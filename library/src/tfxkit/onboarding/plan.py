"""Plan of `init`: all facts and decisions about a data set, before any file is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tfxkit.config.dataset import Role, Task
from tfxkit.errors import UsageError
from tfxkit.onboarding import expectations
from tfxkit.onboarding.profile import Profile, profile_columns
from tfxkit.onboarding.roles import Decision, decide_role
from tfxkit.onboarding.table import Table, find_sentinel, has_commas
from tfxkit.onboarding.target import Target, choose_target, leak_reason

_MOST_COLUMNS = 60


@dataclasses.dataclass(frozen=True)
class Plan:
    """Facts and decisions about the data.

    Attributes:
        columns: Profiles of all columns, also of the label's.
        target: The prediction target.
        roles: Roles of all columns but the label's.
        thresholds, slices, drift: See `tfxkit.onboarding.expectations`.
        missing: Words that count as a missing value.
        warnings: Suspicious facts for a person to check; a sentence or two each.
    """

    columns: Mapping[str, Profile]
    target: Target
    roles: Mapping[str, Decision]
    thresholds: Mapping[str, expectations.MetricThreshold]
    slices: tuple[str, ...]
    drift: Mapping[str, tuple[str, float]]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def label(self) -> Profile:
        """Profile of the label's column."""
        return self.columns[self.target.label.column]


def make_plan(table: Table, label: str | None = None, task: Task | None = None) -> Plan:
    """Decides on label, task, roles and thresholds.

    Args:
        table: The data.
        label: The label's column, if the user named it.
        task: The task, if the user named it.

    Raises:
        UsageError: If nothing can be learned from the data.
    """
    columns = profile_columns(table.columns, table.csv_format.decimal if table.csv_format else ".")
    target = choose_target(columns, label, task)
    roles = {
        name: _choose_role(column, columns[target.label.column], target)
        for name, column in columns.items()
        if name != target.label.column
    }
    if all(decision.role is Role.IGNORED for decision in roles.values()):
        why = "\n".join(f"  {name}: {roles[name].why}" for name in list(roles)[:10])
        raise UsageError(f"No column is left to predict {target.label.column!r} from:\n{why}")
    _check_markers(columns, target)
    features = {name: columns[name] for name in roles}
    return Plan(
        columns=columns,
        target=target,
        roles=roles,
        thresholds=expectations.thresholds(target, columns[target.label.column]),
        slices=expectations.slices(features, roles),
        drift=expectations.drift(features, roles),
        missing=tuple(sorted({word for column in columns.values() for word in column.markers})),
        warnings=(*target.warnings, *_suspects(features, roles)),
    )


def _check_markers(columns: Mapping[str, Profile], target: Target) -> None:
    """Refuses a class that is a word for "missing" in some column, as it counts in every column."""
    for name, column in columns.items():
        if clash := sorted(column.markers.keys() & target.counts.keys()):
            raise UsageError(
                f"{clash[0]!r} stands for a missing value in the column {name!r}, but is a class "
                f"of the label {target.label.column!r}. Leave it empty there, or rename the class."
            )


def _choose_role(column: Profile, label: Profile, target: Target) -> Decision:
    decision = decide_role(column)
    if decision.role is not Role.IGNORED and (why := leak_reason(column, label, target)):
        return Decision(Role.IGNORED, why)
    return decision


def _suspects(columns: Mapping[str, Profile], roles: Mapping[str, Decision]) -> list[str]:
    warnings = []
    for name, column in columns.items():
        if column.odd:
            shown = ", ".join(f"{value!r} (row {row + 1})" for row, value in column.odd)
            warnings.append(
                f"{name}: mixed types: nearly all values are numbers, but not {shown}. "
                "It is read as text; correct these values and run init again to have numbers."
            )
        if column.type == "BYTES" and has_commas(column.values):
            warnings.append(
                f"{name}: numbers with a comma (1,5 or 1,000) are read as text: other columns have "
                "points, or it is not clear what the comma means. Write them with a point."
            )
        if roles[name].role is Role.NUMERIC and (suspect := find_sentinel(column.values)):
            value, rows = suspect
            warnings.append(
                f"{name}: {value:g} in {rows:,} rows lies far from all other values. If it means "
                "that the value is missing, leave it empty; it is used as a number now."
            )
    return warnings


def show_plan(terminal: TextIO, plan: Plan, table: Table) -> None:
    """Prints the plan with its reasons: the columns, then label, task and thresholds."""
    console = Console(file=terminal, highlight=False, soft_wrap=not terminal.isatty())
    if not table.whole:
        console.print(f"These are the first {plan.label.rows:,} rows: there are more.\n")
    if table.numbered:
        console.print("The first column has no name, like one of row numbers: it is left out.\n")
    grid = Grid("column", "role", "why", box=None, pad_edge=False)
    for name, decision in list(plan.roles.items())[:_MOST_COLUMNS]:
        grid.add_row(escape(name), str(decision.role), escape(decision.why))
    console.print(grid)
    if (more := len(plan.roles) - _MOST_COLUMNS) > 0:
        console.print(f"… and {more} more columns, see dataset.yaml")
    target = plan.target
    console.print(f"\nlabel     {escape(target.label.column)}. {escape(' '.join(target.why))}")
    if target.counts:
        shares = [f"{value} {count:,}" for value, count in list(target.counts.items())[:12]]
        console.print(f"classes   {escape(', '.join(shares))}")
    for metric, threshold in plan.thresholds.items():
        limits = ", ".join(f"{limit} {value:g}" for limit, value in threshold.values.items())
        console.print(f"threshold {metric}: {limits} ({escape(threshold.why)})")
    if plan.missing:
        console.print(f"missing   {escape(', '.join(plan.missing))} count as no value")
    if plan.slices:
        console.print(f"slices    {escape(', '.join(plan.slices))}")
    if plan.warnings:
        console.print("\n[yellow]Look at these:[/yellow]")
        for warning in plan.warnings:
            console.print(f"  {escape(warning)}")

"""Plan of `init` on the screen, with the reason of each decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Column
from rich.table import Table as Grid

from tfxkit.onboarding.dialect import describe
from tfxkit.onboarding.plan import Plan
from tfxkit.onboarding.profile import Profile
from tfxkit.onboarding.table import Table
from tfxkit.onboarding.time_split import effect_lines

_MOST_COLUMNS = 60
_MOST_SHOWN = 5  # columns with a word for missing values


def show_plan(terminal: TextIO, plan: Plan, table: Table) -> None:
    """Prints the plan with its reasons: the columns, then label, task and thresholds."""
    console = Console(file=terminal, highlight=False, soft_wrap=not terminal.isatty())
    if not table.whole:
        console.print(f"These are the first {plan.label.rows:,} rows: there are more.\n")
    how = describe(table.csv_format) if table.csv_format else table.kind
    console.print(f"Read as {escape(how)}.\n")
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
    for line in _missing_words(plan.columns):
        console.print(f"missing   {escape(line)}")
    if plan.slices:
        console.print(f"slices    {escape(', '.join(plan.slices))}")
    elif plan.no_slices:
        console.print("slices    none")
    _show_notes(console, plan.no_slices)
    _show_split(console, plan)
    if plan.warnings:
        console.print("\n[yellow]Look at these:[/yellow]")
        for warning in plan.warnings:
            console.print(f"  {escape(warning)}")


def _show_split(console: Console, plan: Plan) -> None:
    """Prints the split by time and its effect, and why columns of dates are not taken."""
    split = plan.time_split
    if split is None:
        if plan.no_time_split:
            console.print("split     at random")
        _show_notes(console, plan.no_time_split)
        return
    what = f"by {escape(split.column)}, eval from {escape(split.day)} on (data.split_at)"
    if not split.active:
        what = f"at random. To split {what}, see base.yaml"
    console.print(f"split     {what}")
    head, *rows = effect_lines(split)
    numbers = [Column(escape(name), justify="right") for name in head[1:]]
    grid = Grid(head[0], *numbers, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*map(escape, row))
    console.print(Padding(grid, (0, 0, 0, 10), expand=False))
    _show_notes(console, plan.no_time_split)


def _show_notes(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(f"          {escape(line)}")


def _missing_words(columns: Mapping[str, Profile]) -> Iterator[str]:
    """Words that count as missing, each with its columns and rows."""
    for word in sorted({word for column in columns.values() for word in column.inferred.markers}):
        places = [
            f"{name} ({column.inferred.markers[word]:,})"
            for name, column in columns.items()
            if word in column.inferred.markers
        ]
        more = f" and {len(places) - _MOST_SHOWN} more" if len(places) > _MOST_SHOWN else ""
        yield f"{word!r} counts as no value: {', '.join(places[:_MOST_SHOWN])}{more}"

"""Screen of `init`: a line for each column, then label, task and thresholds."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from tfxkit.onboarding.plan import Plan
from tfxkit.onboarding.table import Table

_MOST_COLUMNS = 60


def show(terminal: TextIO, plan: Plan, table: Table) -> None:
    """Prints what was decided, and why."""
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
    for metric, bound in plan.thresholds.items():
        limits = ", ".join(f"{kind} {value:g}" for kind, value in bound.values.items())
        console.print(f"threshold {metric}: {limits} ({escape(bound.why)})")
    if plan.missing:
        console.print(f"missing   {escape(', '.join(plan.missing))} count as no value")
    if plan.slices:
        console.print(f"slices    {escape(', '.join(plan.slices))}")
    if plan.warnings:
        console.print("\n[yellow]Look at these:[/yellow]")
        for warning in plan.warnings:
            console.print(f"  {escape(warning)}")

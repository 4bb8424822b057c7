"""The comparison as the terminal shows it: what a person asks first."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tfxkit.report import words
from tfxkit.report.comparison.page import Comparison
from tfxkit.report.comparison.settings import Change
from tfxkit.report.metric_rows import MetricRow
from tfxkit.runs.outcome import OUTCOMES
from tfxkit.runs.summary import State
from tfxkit.runs.terminal import TONE_STYLES

_MOVED = {"better": ("▲ better", "green"), "worse": ("▼ worse", "red"), "unclear": ("", "")}
_MOST = 8  # lines of a table
_SECOND = 1.0  # less is noise


def short(found: Comparison) -> Group:
    """The answer, the metrics, and what was changed."""
    older, newer = found.pair.older.summary, found.pair.newer.summary
    verdict = found.verdict
    parts: list[RenderableType] = [
        Text(f"newer  {newer.run_id}: {OUTCOMES[newer.status].label}"),
        Text(f"older  {older.run_id}: {OUTCOMES[older.status].label}"),
        Text(f"\n{verdict.headline}: {verdict.sentence}", TONE_STYLES[verdict.tone]),
        Text(f"{verdict.ground}\n"),
        _metrics(found.metrics.rows),
    ]
    if found.metrics.clear:
        parts += [Text(""), _slices(found)]
    parts += [Text(""), _changed(found)]
    if found.settings.config:
        parts += [Text(""), _changes("configuration", found.settings.config)]
    return Group(*parts, Text(""))


def _metrics(rows: list[MetricRow]) -> Table:
    table = _table("metric", "older", "newer", "change", "95% interval", "")
    for row in rows:
        interval = row.change
        table.add_row(
            Text(row.name),
            words.metric(row.served),
            words.metric(row.value),
            words.signed(row.difference),
            words.interval(interval.low, interval.high, change=True) if interval else "–",
            Text(*_MOVED.get(row.moved, ("", ""))),
        )
    return table


def _slices(found: Comparison) -> Table:
    table = _table("slice", "rows", f"older {found.metrics.by}", "newer", "change", "")
    for row in found.metrics.clear[:_MOST]:
        table.add_row(
            Text(row.name),
            f"{row.newer_rows:,}",
            words.metric(row.older),
            words.metric(row.newer),
            words.signed(row.change),
            Text(*_MOVED[row.moved]),
        )
    return _and_more(table, len(found.metrics.clear))


def _changed(found: Comparison) -> Table:
    table = Table.grid(padding=(0, 2))
    for _, what, sentence in found.verdict.changed:
        table.add_row(Text(what.lower(), "dim"), Text(sentence))
    table.add_row(Text("steps", "dim"), Text(_steps(found)))
    return table


def _steps(found: Comparison) -> str:
    """The time of both runs, of the steps that took long in both, and how much was reused."""
    older, newer = found.pair.older.summary, found.pair.newer.summary
    parts = [f"{older.seconds:.0f} → {newer.seconds:.0f} s in all"]
    for step in found.steps:
        if step.older and step.newer and abs(step.seconds or 0.0) >= _SECOND:
            parts.append(f"{step.name} {step.older.seconds:.0f} → {step.newer.seconds:.0f} s")
    reused = [sum(step.state is State.CACHED for step in run.steps) for run in (older, newer)]
    return "; ".join([*parts, f"reused {reused[0]} → {reused[1]} of {len(newer.steps)}"])


def _changes(what: str, rows: list[Change]) -> Table:
    table = _table(what, "older", "newer", right=())
    for row in rows[:_MOST]:
        table.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row))
    return _and_more(table, len(rows))


def _and_more(table: Table, rows: int) -> Table:
    if rows > _MOST:
        table.add_row(Text(f"and {rows - _MOST} more, see the page", "dim"))
    return table


def _table(*headings: str, right: tuple[int, ...] = (1, 2, 3)) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place == 0, justify="right" if place in right else "left")
    return table

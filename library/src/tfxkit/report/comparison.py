"""Two runs side by side: the verdict on the newer model, as a page and for the terminal."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tfxkit.report import formatting
from tfxkit.report.changes import (
    Change,
    DataChanges,
    QualityChanges,
    SettingsChanges,
    StepChange,
    compare_data,
    compare_quality,
    compare_settings,
    compare_steps,
)
from tfxkit.report.page import environment, stylesheet
from tfxkit.report.quality import MetricRow
from tfxkit.report.run import RunPair
from tfxkit.report.verdict import KEY_NUMBERS
from tfxkit.runs.outcome import OUTCOMES
from tfxkit.runs.summary import State
from tfxkit.runs.terminal import TONE_STYLES

_MOST_KEYS = 3
_SHORT = 24  # letters of two values
_MOVED = {"better": ("▲ better", "green"), "worse": ("▼ worse", "red"), "unclear": ("", "")}
_MOST_ROWS = 8  # of a table in the terminal
_SECOND = 1.0  # less is noise


@dataclasses.dataclass(frozen=True)
class ComparisonVerdict:
    """Section `verdict`.

    Attributes:
        tone: `good`, `bad` or `plain`.
        headline: The answer, in a few words.
        sentence: The deciding metric, with the interval of its change.
        ground: The rows on which both were measured.
        changed: Id of a section, name, and a sentence on the changes.
        numbers: The deciding metrics.
    """

    tone: str
    headline: str
    sentence: str
    ground: str
    changed: list[Change]
    numbers: list[MetricRow]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A pair of runs with all their changes."""

    pair: RunPair
    verdict: ComparisonVerdict
    quality: QualityChanges
    data: DataChanges
    settings: SettingsChanges
    steps: list[StepChange]


def compare(pair: RunPair) -> Comparison:
    """Compares two runs."""
    quality, data, settings = compare_quality(pair), compare_data(pair), compare_settings(pair)
    verdict = _verdict(pair, quality, data, settings)
    return Comparison(pair, verdict, quality, data, settings, compare_steps(pair))


def write_comparison(comparison: Comparison) -> Path:
    """Writes the page into the folder of the newer run, atomically.

    Returns:
        The file.

    Raises:
        OSError: If it cannot be written.
    """
    older, newer = comparison.pair.older, comparison.pair.newer
    file = newer.run_dir / f"compared-with-{older.summary.run_id}.html"
    pages = environment()
    template = pages.get_template("comparison/page.html")
    text = template.render(
        comparison=comparison,
        older=older.summary,
        newer=newer.summary,
        style=stylesheet(pages),
    )
    draft = newer.run_dir / f".compared-{os.getpid()}.html"
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    return file


def terminal_summary(comparison: Comparison) -> Group:
    """Answer, metrics and changes, for the terminal."""
    older, newer = comparison.pair.older.summary, comparison.pair.newer.summary
    verdict = comparison.verdict
    parts: list[RenderableType] = [
        Text(f"newer  {newer.run_id}: {OUTCOMES[newer.status].label}"),
        Text(f"older  {older.run_id}: {OUTCOMES[older.status].label}"),
        Text(f"\n{verdict.headline}: {verdict.sentence}", TONE_STYLES[verdict.tone]),
        Text(f"{verdict.ground}\n"),
        _metric_table(comparison.quality.rows),
    ]
    if comparison.quality.clear:
        parts += [Text(""), _slice_table(comparison.quality)]
    parts += [Text(""), _change_list(comparison)]
    if comparison.settings.config:
        parts += [Text(""), _key_table(comparison.settings.config)]
    return Group(*parts, Text(""))


def _verdict(
    pair: RunPair, quality: QualityChanges, data: DataChanges, settings: SettingsChanges
) -> ComparisonVerdict:
    row = next((r for r in quality.rows if r.has_direction and r.difference is not None), None)
    tone, headline, sentence = _answer(row, pair.is_paired)
    return ComparisonVerdict(
        tone=tone,
        headline=headline,
        sentence=sentence,
        ground=_ground(pair, quality),
        changed=[
            ("quality", "Slices", _slices(quality)),
            ("quality", "Thresholds", _thresholds(quality)),
            ("data", "Data", _data(data)),
            ("settings", "Configuration", _config(settings)),
            ("settings", "Code", _code(settings)),
        ],
        numbers=quality.rows[:KEY_NUMBERS],
    )


def _answer(row: MetricRow | None, paired: bool) -> tuple[str, str, str]:
    """Tone, headline and sentence."""
    if row is None:
        return "plain", "They cannot be compared", "The runs have no metric in common."
    amount = f"{formatting.title(row.name)} {formatting.signed(row.difference)}"
    if row.change is None:
        return "plain", "How sure it is cannot be said", f"{amount}; there is no interval for it."
    low_to_high = formatting.interval(row.change.low, row.change.high, change=True)
    sentence = f"{amount} (95% interval {low_to_high})."
    if row.change.low == row.change.high == 0:
        return "plain", "Both models answer alike", sentence
    if row.moved not in ("better", "worse"):
        return "plain", "Neither is clearly better", sentence
    if not paired:
        return "plain", f"The newer model is {row.moved}, on other rows", sentence
    return (
        "good" if row.moved == "better" else "bad",
        f"The newer model is {row.moved}",
        sentence,
    )


def _ground(pair: RunPair, quality: QualityChanges) -> str:
    """Describes the rows on which both were measured, with the consequence."""
    if not pair.has_predictions:
        return "A model or its eval rows are gone, so there are no intervals."
    if pair.is_paired:
        return (
            f"Paired: both models answered the same {quality.newer_rows:,} eval rows, so chance "
            "that hits both alike drops out of the difference."
        )
    return (
        f"Not paired: the eval rows are not the same ({quality.older_rows:,} and "
        f"{quality.newer_rows:,}). A difference may come from the rows, not from the model. The "
        "report of the newer run compares it with the model served then on the same rows."
    )


def _slices(quality: QualityChanges) -> str:
    judged = len(quality.clear) + len(quality.unclear)
    if not judged:
        return "none that both runs have, with rows enough to judge"
    counts = [(len(quality.slices(moved)), moved) for moved in ("worse", "better")]
    parts = [f"{number} clearly {moved}" for number, moved in counts if number]
    return f"{' and '.join(parts) or 'none clearly better or worse'}, of {judged}"


def _thresholds(quality: QualityChanges) -> str:
    current = [threshold for threshold in quality.thresholds if threshold.newer is not None]
    missed = [threshold.name for threshold in current if not threshold.newer]
    moved = [threshold.name for threshold in quality.thresholds if threshold.moved]
    state = f"{len(missed)} of {len(current)} missed: {_few(missed)}" if missed else "all hold"
    return f"{state}; another outcome than before for {_few(moved)}" if moved else state


def _data(data: DataChanges) -> str:
    if not data.changed:
        return "the same"
    parts = []
    if data.spans[0] != data.spans[1]:
        parts.append(f"spans {data.spans[0]} → {data.spans[1]}")
    parts += [
        f"another {name}" if name == "schema" else "other rows"
        for name, before, after in data.fingerprints
        if before != after and not (name != "schema" and "other rows" in parts)
    ]
    furthest = [column.name for column in data.moved[:_MOST_KEYS]]
    if furthest:
        parts.append(f"moved most: {', '.join(furthest)}")
    return "; ".join(dict.fromkeys(parts))


def _config(settings: SettingsChanges) -> str:
    keys = [
        f"{key} {before} → {after}" if len(before + after) <= _SHORT else key
        for key, before, after in settings.config
    ]
    return _few(keys) if keys else "the same"


def _code(settings: SettingsChanges) -> str:
    steps = [step for step, _, _ in settings.code]
    parts = [f"other code in {_few(steps)}"] if steps else []
    versions = [f"{name} {before} → {after}" for name, before, after in settings.versions]
    parts += [_few(versions)] if versions else []
    return "; ".join(parts) or "the same"


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_KEYS
    return ", ".join(names[:_MOST_KEYS]) + (f" and {more} more" if more > 0 else "")


def _metric_table(rows: list[MetricRow]) -> Table:
    table = _table("metric", "older", "newer", "change", "95% interval", "")
    for row in rows:
        interval = row.change
        table.add_row(
            Text(row.name),
            formatting.metric(row.served),
            formatting.metric(row.value),
            formatting.signed(row.difference),
            formatting.interval(interval.low, interval.high, change=True) if interval else "–",
            Text(*_MOVED.get(row.moved, ("", ""))),
        )
    return table


def _slice_table(quality: QualityChanges) -> Table:
    table = _table("slice", "rows", f"older {quality.by}", "newer", "change", "")
    for row in quality.clear[:_MOST_ROWS]:
        table.add_row(
            Text(row.name),
            f"{row.newer_rows:,}",
            formatting.metric(row.older),
            formatting.metric(row.newer),
            formatting.signed(row.change),
            Text(*_MOVED[row.moved]),
        )
    return _and_more(table, len(quality.clear))


def _change_list(comparison: Comparison) -> Table:
    table = Table.grid(padding=(0, 2))
    for _, name, sentence in comparison.verdict.changed:
        table.add_row(Text(name.lower(), "dim"), Text(sentence))
    table.add_row(Text("steps", "dim"), Text(_steps(comparison)))
    return table


def _steps(comparison: Comparison) -> str:
    """Durations of both runs and of the steps that took longest, and the number of reused steps."""
    older, newer = comparison.pair.older.summary, comparison.pair.newer.summary
    parts = [f"{older.seconds:.0f} → {newer.seconds:.0f} s in all"]
    for step in comparison.steps:
        if step.older and step.newer and abs(step.seconds or 0.0) >= _SECOND:
            parts.append(f"{step.name} {step.older.seconds:.0f} → {step.newer.seconds:.0f} s")
    reused = [sum(step.state is State.CACHED for step in run.steps) for run in (older, newer)]
    return "; ".join([*parts, f"reused {reused[0]} → {reused[1]} of {len(newer.steps)}"])


def _key_table(rows: list[Change]) -> Table:
    table = _table("configuration", "older", "newer", right=())
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row))
    return _and_more(table, len(rows))


def _and_more(table: Table, rows: int) -> Table:
    if rows > _MOST_ROWS:
        table.add_row(Text(f"and {rows - _MOST_ROWS} more, see the page", "dim"))
    return table


def _table(*headings: str, right: tuple[int, ...] = (1, 2, 3)) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        table.add_column(heading, no_wrap=place == 0, justify="right" if place in right else "left")
    return table

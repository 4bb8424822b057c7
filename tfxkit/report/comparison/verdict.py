"""The first screen: is the newer model better than the older one, and what was changed?"""

from __future__ import annotations

import dataclasses

from tfxkit.report import words
from tfxkit.report.comparison.data import Data
from tfxkit.report.comparison.metrics import Metrics
from tfxkit.report.comparison.pair import Pair
from tfxkit.report.comparison.settings import Settings
from tfxkit.report.metric_rows import MetricRow

_MOST_KEYS = 3
_SHORT = 24  # letters of two values
KEY_NUMBERS = 4


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the page says first.

    Attributes:
        tone: `good`, `bad` or `plain`.
        headline: The answer, in a few words.
        sentence: The metric that decides, and how sure it is.
        ground: On which rows both were measured.
        changed: What (the id of its section, and a word) -> what is different, in a sentence.
        numbers: The metrics that decide.
    """

    tone: str
    headline: str
    sentence: str
    ground: str
    changed: list[tuple[str, str, str]]
    numbers: list[MetricRow]


def make(pair: Pair, metrics: Metrics, data: Data, settings: Settings) -> Verdict:
    """Says what came of the changes."""
    row = next((r for r in metrics.rows if r.has_direction and r.difference is not None), None)
    tone, headline, sentence = _answer(row, pair.is_paired)
    return Verdict(
        tone=tone,
        headline=headline,
        sentence=sentence,
        ground=ground(pair, metrics),
        changed=[
            ("quality", "Slices", slices(metrics)),
            ("quality", "Thresholds", bounds(metrics)),
            ("data", "Data", data_changes(data)),
            ("settings", "Configuration", config_changes(settings)),
            ("settings", "Code", code_changes(settings)),
        ],
        numbers=metrics.rows[:KEY_NUMBERS],
    )


def _answer(row: MetricRow | None, paired: bool) -> tuple[str, str, str]:
    if row is None:
        return "plain", "They cannot be compared", "The runs have no metric in common."
    amount = f"{words.title(row.name)} {words.signed(row.difference)}"
    if row.change is None:
        return "plain", "How sure it is cannot be said", f"{amount}; there is no interval for it."
    where = f"95% interval {words.interval(row.change.low, row.change.high, change=True)}"
    if row.change.low == row.change.high == 0:
        return "plain", "Both models answer alike", f"{amount} ({where})."
    if row.moved not in ("better", "worse"):
        return "plain", "Neither is clearly better", f"{amount} ({where})."
    if not paired:
        return "plain", f"The newer model is {row.moved}, on other rows", f"{amount} ({where})."
    tone = "good" if row.moved == "better" else "bad"
    return tone, f"The newer model is {row.moved}", f"{amount} ({where})."


def ground(pair: Pair, metrics: Metrics) -> str:
    """On which rows both were measured, and what follows."""
    if not pair.has_answers:
        return "A model or its eval rows are gone, so there are no intervals."
    if pair.is_paired:
        return (
            f"Paired: both models answered the same {metrics.newer_rows:,} eval rows, so chance "
            "that hits both alike drops out of the difference."
        )
    return (
        f"Not paired: the eval rows are not the same ({metrics.older_rows:,} and "
        f"{metrics.newer_rows:,}). A difference may come from the rows, not from the model. The "
        "report of the newer run compares it with the model served then on the same rows."
    )


def slices(metrics: Metrics) -> str:
    """How many got better or worse."""
    judged = len(metrics.clear) + len(metrics.unclear)
    if not judged:
        return "none that both runs have, with rows enough to judge"
    counts = [(len(metrics.slices(moved)), moved) for moved in ("worse", "better")]
    told = [f"{number} clearly {moved}" for number, moved in counts if number]
    return f"{' and '.join(told) or 'none clearly better or worse'}, of {judged}"


def bounds(metrics: Metrics) -> str:
    """The outcome of the thresholds, and those whose outcome is new."""
    now = [one for one in metrics.bounds if one.newer is not None]
    failed = [one.name for one in now if not one.newer]
    moved = [one.name for one in metrics.bounds if one.moved]
    state = f"{len(failed)} of {len(now)} missed: {_few(failed)}" if failed else "all hold"
    return f"{state}; another outcome than before for {_few(moved)}" if moved else state


def data_changes(data: Data) -> str:
    """The spans, or what else is another."""
    if not data.changed:
        return "the same"
    parts = []
    if data.spans[0] != data.spans[1]:
        parts.append(f"spans {data.spans[0]} → {data.spans[1]}")
    parts += [
        f"another {what}" if what == "schema" else "other rows"
        for what, before, after in data.fingerprints
        if before != after and not (what != "schema" and "other rows" in parts)
    ]
    furthest = [one.name for one in data.moved[:_MOST_KEYS]]
    if furthest:
        parts.append(f"moved most: {', '.join(furthest)}")
    return "; ".join(dict.fromkeys(parts))


def config_changes(settings: Settings) -> str:
    """The keys, with their values where those are short."""
    told = [
        f"{key} {before} → {after}" if len(before + after) <= _SHORT else key
        for key, before, after in settings.config
    ]
    return _few(told) if told else "the same"


def code_changes(settings: Settings) -> str:
    """The steps that ran other code, and versions."""
    parts = [f"other code in {_few([step for step, _, _ in settings.code])}"] * bool(settings.code)
    versions = [f"{name} {before} → {after}" for name, before, after in settings.versions]
    parts += [_few(versions)] if versions else []
    return "; ".join(parts) or "the same"


def _few(names: list[str]) -> str:
    more = len(names) - _MOST_KEYS
    return ", ".join(names[:_MOST_KEYS]) + (f" and {more} more" if more > 0 else "")

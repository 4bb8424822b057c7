"""Puts the comparison together, and writes it as a page."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from tfxkit.report.comparison import data, metrics, settings, steps, verdict
from tfxkit.report.comparison.data import Data
from tfxkit.report.comparison.metrics import Metrics
from tfxkit.report.comparison.pair import Pair
from tfxkit.report.comparison.settings import Settings
from tfxkit.report.comparison.steps import StepChange
from tfxkit.report.comparison.verdict import Verdict
from tfxkit.report.writing import environment, stylesheet


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All that there is to say of a pair of runs."""

    pair: Pair
    verdict: Verdict
    metrics: Metrics
    data: Data
    settings: Settings
    steps: list[StepChange]


def compare(pair: Pair) -> Comparison:
    """Computes it."""
    parts = metrics.make(pair), data.make(pair), settings.make(pair)
    return Comparison(pair, verdict.make(pair, *parts), *parts, steps.make(pair))


def write(comparison: Comparison) -> Path:
    """Writes the page into the folder of the newer run, at once or not at all.

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
        found=comparison,
        older=older.summary,
        newer=newer.summary,
        style=stylesheet(pages),
    )
    draft = newer.run_dir / f".compared-{os.getpid()}.html"
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
    return file

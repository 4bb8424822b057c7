"""Puts the page together and writes it, whatever became of the run."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfxkit.report import (
    curves,
    data,
    features,
    model_card,
    origin,
    quality,
    steps,
    training,
    verdict,
    words,
)
from tfxkit.report.run import Run
from tfxkit.runs.outcome import OUTCOMES, STEPS
from tfxkit.runs.outputs import REPORT_FILE, Outputs

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page; `templates/<key>.html` shows what `make` returns."""

    key: str
    short: str
    title: str
    make: Callable[[Run], Any]


@dataclasses.dataclass(frozen=True)
class Made:
    """A section with its content; `content` is None where the run did not come so far."""

    key: str
    short: str
    title: str
    content: Any
    problem: str = ""


SECTIONS = (
    Section("verdict", "Answer", "The answer", verdict.make),
    Section("quality", "Quality", "How good it is", quality.make),
    Section("curves", "Errors", "How it errs", curves.make),
    Section("data", "Data", "The data", data.make),
    Section("features", "Features", "What the features became", features.make),
    Section("training", "Training", "The training", training.make),
    Section("steps", "Steps", "What each step did", steps.make),
    Section("origin", "Origin", "What it was made from", origin.make),
    Section("model_card", "Model card", "Model card", model_card.make),
)


def write(run_dir: Path, outputs: Outputs) -> Path:
    """Writes `report.html` into the folder of a run, at once or not at all.

    Args:
        run_dir: With its `summary.json`.
        outputs: Of the pipeline, with the metadata file and the artifacts of the run.

    Returns:
        The file.

    Raises:
        OSError: If summary or metadata cannot be read, or the page cannot be written.
    """
    run = Run.read(run_dir, outputs)
    text = page(run)
    draft = run_dir / f".report-{os.getpid()}.html"
    draft.write_text(text, encoding="utf-8")
    file = run_dir / REPORT_FILE
    draft.replace(file)
    return file


def page(run: Run, sections: Sequence[Section] = SECTIONS) -> str:
    """The page of a run, as text."""
    return render(run, [_made(section, run) for section in sections])


def _made(section: Section, run: Run) -> Made:
    """One part that cannot be made, since an artifact is gone or damaged, leaves the others."""
    try:
        return Made(section.key, section.short, section.title, section.make(run))
    except Exception as error:  # whatever libraries raise at damaged files
        logger.exception("The section %s of the report could not be made", section.key)
        first_line = str(error).strip().partition("\n")[0]
        return Made(
            section.key, section.short, section.title, None, f"{type(error).__name__}: {first_line}"
        )


def render(run: Run, sections: list[Made]) -> str:
    """The page as text."""
    pages = environment()
    template = pages.get_template("page.html")
    return template.render(run=run, summary=run.summary, sections=sections, style=stylesheet(pages))


def environment() -> Environment:
    """The templates of the pages, with the words that all of them use."""
    pages = Environment(
        loader=PackageLoader("tfxkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals |= {"words": words, "outcomes": OUTCOMES, "step_words": STEPS}
    return pages


def stylesheet(pages: Environment) -> Markup:
    """The style of all pages: ours, and no value of a run goes into it."""
    return Markup(pages.get_template("style.css").render())  # noqa: S704

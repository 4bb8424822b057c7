"""The page of a run: nine sections, one HTML file, whatever the outcome of the run.

Each section is a module of this package, a template of the same name, and an entry of `SECTIONS`.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfxkit.report import formatting
from tfxkit.report.curves import build_curves
from tfxkit.report.data import build_data
from tfxkit.report.features import build_features
from tfxkit.report.model_card import build_model_card
from tfxkit.report.origin import build_origin
from tfxkit.report.quality import build_quality
from tfxkit.report.run import Run
from tfxkit.report.steps import build_steps
from tfxkit.report.training import build_training
from tfxkit.report.verdict import build_verdict
from tfxkit.runs.outcome import OUTCOMES, STEPS
from tfxkit.runs.outputs import REPORT_FILE, Outputs

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class PageSection:
    """A section of the page; `templates/<key>.html` shows the result of `build`."""

    key: str
    short: str
    title: str
    build: Callable[[Run], Any]


@dataclasses.dataclass(frozen=True)
class BuiltSection:
    """A section with its content, or with the problem that prevented it.

    Both are missing where the run did not come so far.
    """

    key: str
    short: str
    title: str
    content: Any
    problem: str = ""


SECTIONS = (
    PageSection("verdict", "Answer", "The answer", build_verdict),
    PageSection("quality", "Quality", "How good it is", build_quality),
    PageSection("curves", "Errors", "How it errs", build_curves),
    PageSection("data", "Data", "The data", build_data),
    PageSection("features", "Features", "What the features became", build_features),
    PageSection("training", "Training", "The training", build_training),
    PageSection("steps", "Steps", "What each step did", build_steps),
    PageSection("origin", "Origin", "What it was made from", build_origin),
    PageSection("model_card", "Model card", "Model card", build_model_card),
)


def write_report(run_dir: Path, outputs: Outputs) -> Path:
    """Writes `report.html` into the folder of a run, atomically.

    Args:
        run_dir: With its `summary.json`.
        outputs: Of the pipeline, with the metadata file and the artifacts of the run.

    Returns:
        The file.

    Raises:
        OSError: If summary or metadata cannot be read, or the page cannot be written.
    """
    text = render_report(Run.read(run_dir, outputs))
    draft = run_dir / f".report-{os.getpid()}.html"
    draft.write_text(text, encoding="utf-8")
    file = run_dir / REPORT_FILE
    draft.replace(file)
    return file


def render_report(run: Run, sections: Sequence[PageSection] = SECTIONS) -> str:
    """Renders the page of a run as text."""
    pages = environment()
    return pages.get_template("page.html").render(
        run=run,
        summary=run.summary,
        sections=[_built(section, run) for section in sections],
        style=stylesheet(pages),
    )


def environment() -> Environment:
    """Jinja environment of all pages."""
    pages = Environment(
        loader=PackageLoader("tfxkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals |= {"formatting": formatting, "outcomes": OUTCOMES, "step_words": STEPS}
    return pages


def stylesheet(pages: Environment) -> Markup:
    """Style sheet of all pages; it contains no values of a run."""
    return Markup(pages.get_template("style.css").render())  # noqa: S704


def _built(section: PageSection, run: Run) -> BuiltSection:
    """Builds a section; a missing or damaged artifact affects no other section."""
    content, problem = None, ""
    try:
        content = section.build(run)
    except Exception as error:  # whatever libraries raise at damaged files
        logger.exception("The section %s of the report could not be made", section.key)
        first_line = str(error).strip().partition("\n")[0]
        problem = f"{type(error).__name__}: {first_line}"
    return BuiltSection(section.key, section.short, section.title, content, problem)

"""Work of cookiecutter's hooks: check the answers, write the project."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from template import answers as questions
from template import origin, project
from template.errors import TemplateError
from template.next_steps import describe

THIN = "{{cookiecutter.project_slug}}"


def check(repository: str, folder: str, context: Mapping[str, object]) -> int:
    """Holds the answers to what they may be; returns the exit code."""
    try:
        questions.check(context, Path(repository), Path(folder))
    except TemplateError as error:
        return refused(error)
    return 0


def write(repository: str, folder: str, context: Mapping[str, object]) -> int:
    """Writes the project into the current folder; returns the exit code.

    Args:
        repository: The template's folder.
        folder: Where cookiecutter was started.
        context: cookiecutter's: the answers, and `_template`, `_repo_dir` and the like.
    """
    template, target = Path(repository), Path.cwd()
    fresh, skips = _placeholders(template, target)
    try:
        answers = questions.check(context, template, Path(folder))
        written = project.write(
            template,
            target,
            answers,
            Path(folder),
            kept=lambda path: skips and path not in fresh,
            by_cruft="_commit" in context,
        )
        if "LICENSE" in written:
            project.write_license(template, target, answers)
        if origin.PATH in fresh:
            if "_commit" in context:  # cruft, which has .cruft.json instead
                (target / origin.PATH).unlink()
            else:
                text = origin.text(template, answers, context)
                (target / origin.PATH).write_text(text, encoding="utf-8")
    except TemplateError as error:
        return refused(error)
    print(describe(answers, os.path.relpath(target, folder)))
    return 0


def refused(error: TemplateError) -> int:
    """Says why; returns the exit code."""
    print(f"ERROR: {error}", file=sys.stderr)
    return 1


def _placeholders(template: Path, target: Path) -> tuple[set[str], bool]:
    """The files of the thin template that cookiecutter has put there, and whether it had to skip.

    Hooks are not told of -s (--skip-if-file-exists), but it shows: a placeholder has not taken the
    place of the user's file then.
    """
    thin = [p for p in (template / THIN).iterdir() if p.is_file() and (target / p.name).is_file()]
    fresh = {p.name for p in thin if p.read_bytes() == (target / p.name).read_bytes()}
    return fresh, len(fresh) < len(thin)

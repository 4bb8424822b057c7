"""The form of each answer to the questions of cookiecutter.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from template import own_data
from template.errors import TemplateError
from template.parts import RUNS_ON

# A line of a text file, as Python splits them.
_LINE = r"[^\x00-\x1f\x7f\x85\u2028\u2029]{0,1000}"

# What passes is safe as it stands between double quotes of TOML, YAML, JSON and shell.
FORMS = {
    "project_name": (
        r"[^\W\d_][\w .&+-]{0,79}",
        "a letter, then letters, digits, spaces and . & + - _, at most 80 characters",
    ),
    "project_slug": (
        r"(?=.{1,60}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "lower-case words with hyphens, such as trip-tips, at most 60 characters",
    ),
    # The limit of the configuration (tfxkit.config.formats).
    "pipeline_name": (
        r"(?=.{1,58}$)[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "lower-case words with hyphens, such as trip-tips, at most 58 characters",
    ),
    "author_name": (
        r"[^\"\\{}<>`$\x00-\x1f\x7f]{1,80}",
        "1 to 80 characters without quotes, backslashes, braces, <, >, ` and $",
    ),
    "python_version": (r"3\.1[123]", "3.11, 3.12 or 3.13"),
    "license": (r"Apache-2\.0|MIT|Proprietary", "Apache-2.0, MIT or Proprietary"),
    "runs_on": ("|".join(RUNS_ON), "one of " + ", ".join(RUNS_ON)),
    "dataset_csv": (_LINE, "the path of a file"),
    "dataset_label": (_LINE, "the name of a column"),
}


def check(answers: Mapping[str, object], repository: Path, folder: Path | None) -> dict[str, str]:
    """The answers as texts, without what else the caller knows.

    Args:
        answers: As cookiecutter or Copier has them.
        repository: The template; the packages of its lock are names that are taken.
        folder: Where the path of a data set starts; None if it need not be there, as in an update
            of a project that has it already.

    Raises:
        TemplateError: With a line for each answer that cannot be taken.
    """
    given = {question: str(answers.get(question, "")) for question in FORMS}
    for question in FORMS.keys() - {"dataset_label"}:  # a column's name may begin with a blank
        given[question] = given[question].strip()
    problems = [
        f"{question}: {given[question]!r} is invalid: expected {meaning}"
        for question, (pattern, meaning) in FORMS.items()
        if not re.fullmatch(pattern, given[question])
    ]
    if given["project_slug"] in _packages(repository):
        problems.append(
            f"project_slug: {given['project_slug']!r} is a package that the project depends on"
        )
    if folder and not problems:
        problems = own_data.problems(given, folder)
    if problems:
        raise TemplateError("\n".join(problems))
    return given


def _packages(repository: Path) -> set[str]:
    locks = (repository / "requirements").glob("*.txt")
    return {"tfxkit"} | {
        name
        for lock in locks
        for name in re.findall(r"(?m)^([a-z0-9-]+)==", lock.read_text(encoding="utf-8"))
    }

"""Makes a project without cookiecutter, as Copier's task does.

    python template FOLDER project_name="Trip tips" author_name=Ada …

A question without answer has the default of cookiecutter.json. --answers=FILE reads them from a
file in FOLDER; --keep leaves files that are there already as they are; --update does without the
data set of the user's own where it is not, since the project has it; --copy ends with the next
commands.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(
        "Python {}.{} runs copier here, and the template needs Python 3.11 or newer: "
        "uvx --python 3.12 copier …".format(*sys.version_info)
    )
REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))  # run as a folder, Python looks for modules in that folder only

from template import answers as questions  # noqa: E402
from template import hook, origin, own_data, project  # noqa: E402
from template.errors import TemplateError  # noqa: E402
from template.next_steps import describe  # noqa: E402

FLAGS = ("--copy", "--update", "--keep", "--overwrite")


def main(arguments: list[str]) -> int:
    """Writes the project; returns the exit code."""
    target, given, keep, update = Path(arguments[0]), {}, False, False
    recorded = None
    # Copier has changed the directory (copier 9.19, _main.py `_execute_tasks`), but not this.
    folder = Path(os.environ.get("PWD", "."))
    for argument in arguments[1:]:
        if argument.startswith("--answers="):
            recorded = target / argument.removeprefix("--answers=")
            given.update(origin.read(recorded))
        elif argument in FLAGS:
            keep, update = keep or argument == "--keep", update or argument == "--update"
        else:
            key, _, value = argument.partition("=")
            given[key] = value
    try:
        known = {**_defaults(given), **given}
        answers = questions.check(known, REPOSITORY, None if update else folder)
        target.mkdir(parents=True, exist_ok=True)
        written = project.write(REPOSITORY, target, answers, folder, kept=lambda _: keep)
        if "LICENSE" in written:
            project.write_license(REPOSITORY, target, answers)
        if recorded and answers["dataset_csv"]:
            origin.record_data(recorded, answers["dataset_csv"])
        if "--copy" in arguments:
            print(describe(answers, os.path.relpath(target, folder)))
    except TemplateError as error:
        return hook.refused(error)
    return 0


def _defaults(given: dict[str, str]) -> dict[str, str]:
    text = (REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8")
    asked = {key: value for key, value in json.loads(text).items() if not key.startswith("_")}
    first = {key: value[0] if isinstance(value, list) else value for key, value in asked.items()}
    name = given.get("project_name", first["project_name"])
    slug = given.get("project_slug", own_data.slug(name))
    return {**first, "project_slug": slug, "pipeline_name": slug}


if __name__ == "__main__":
    if len(sys.argv) < 2:  # noqa: PLR2004
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))

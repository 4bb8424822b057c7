"""Values that are no names: where each stands, and what comes there instead.

A pattern has to be found exactly once in its file, else the generation fails: so the template
cannot drift away from its rules unnoticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from template import own_data
from template.errors import TemplateError

LICENSES = {"Apache-2.0": "Apache-2.0", "MIT": "MIT", "Proprietary": "LicenseRef-Proprietary"}


class Rule(NamedTuple):
    """One value.

    Attributes:
        path: Of the file, as the template has it.
        pattern: Regular expression, `^` and `$` being ends of lines.
        value: What is put there, with the keys of `values` in braces.
    """

    path: str
    pattern: str
    value: str


RULES = (
    Rule("pyproject.toml", r"^authors = .*$", 'authors = [{{ name = "{author_name}" }}]'),
    Rule("pyproject.toml", r"^version = .*$", 'version = "0.1.0"'),
    Rule("pyproject.toml", r"^license = .*$", 'license = "{license}"'),
    Rule("deploy/Dockerfile", r'image\.licenses=".*"', 'image.licenses="{license}"'),
    Rule(
        "setup.sh",
        r"python3\.13 python3\.12 python3\.11 python3 python;",
        "{pythons} python3 python;",
    ),
    Rule(".devcontainer/devcontainer.json", r"python:3\.13-", "python:{python_version}-"),
    Rule(
        ".github/actions/environment/action.yml",
        r'default: "3\.13"',
        'default: "{python_version}"',
    ),
)
# Besides those, where the data is the owner's:
RULES_FOR_OWN_DATA = (Rule("pyproject.toml", r"^description = .*$", "description = {description}"),)


def values(answers: Mapping[str, str]) -> dict[str, str]:
    """Values for the rules: author, licence as SPDX has it, the wanted Python and all of them."""
    first = answers["python_version"]
    others = [version for version in ("3.13", "3.12", "3.11") if version != first]
    license_ = LICENSES[answers["license"]]
    return {
        "author_name": answers["author_name"],
        "license": license_ if license_ == "Apache-2.0" else f"{license_} AND Apache-2.0",
        "description": json.dumps(_description(answers), ensure_ascii=False),
        "python_version": first,
        "pythons": " ".join(f"python{version}" for version in (first, *others)),
    }


def rules(answers: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules that hold for a project."""
    return RULES + (RULES_FOR_OWN_DATA if answers["dataset_csv"] else ())


def put(path: str, text: str, answers: Mapping[str, str]) -> str:
    """The text of a file with the values of all rules about it.

    Raises:
        TemplateError: If the pattern of one is not there, or more than once.
    """
    known = values(answers)
    for rule in (rule for rule in rules(answers) if rule.path == path):
        found = list(re.finditer(rule.pattern, text, re.MULTILINE))
        if len(found) != 1:
            raise TemplateError(f"{path}: {rule.pattern} is there {len(found)} times, not once")
        start, end = found[0].span()
        text = text[:start] + rule.value.format(**known) + text[end:]
    return text


def _description(answers: Mapping[str, str]) -> str:
    file = Path(own_data.place(answers["dataset_csv"])).name if answers["dataset_csv"] else ""
    label = answers["dataset_label"]
    about = f"predicts {label} from {file}" if label else f"learns from {file}"
    return f"{answers['project_name']}: a TFX pipeline that {about}"
